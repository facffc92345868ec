/** What both kinds of webhook configuration share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1035Label, dns1123Subdomain, portNumber } from '#apimachinery/names.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { ServiceReference, WebhookClientConfig } from './matching.ts';
import { validateMatchConditions, validateRule } from './validate-rule.ts';
import type { ValidatingWebhook } from './validating-webhook-configuration.ts';

interface Webhooks {
  readonly webhooks?: readonly ValidatingWebhook[] | undefined;
}

export const webhooksColumn: Column<Webhooks> = column('Webhooks', ({ webhooks }) => (webhooks ?? []).length, { type: 'integer' });

/** Seconds a request may wait for one webhook. */
const maxTimeout = 30;
/** The versions of reviews that the server speaks. */
const reviewVersions = ['v1', 'v1beta1'];
/** A webhook that changes something elsewhere could not be asked in a dry run. */
const sideEffectClasses = ['None', 'NoneOnDryRun'];

export function* validateWebhooks({ webhooks = [] }: Webhooks): Iterable<FieldError> {
  for (const [index, webhook] of webhooks.entries()) yield* validateWebhook(webhook, `webhooks[${index}]`);
}

function* validateWebhook({ name, rules = [], sideEffects, timeoutSeconds, namespaceSelector, objectSelector, clientConfig, matchConditions, admissionReviewVersions }: ValidatingWebhook, path: string): Iterable<FieldError> {
  if (name !== '') yield* validateName(name, `${path}.name`);
  for (const [index, rule] of rules.entries()) yield* validateRule(rule, `${path}.rules[${index}]`);
  if ((sideEffects as string | undefined ?? '') === '') yield required(`${path}.sideEffects`, `must specify one of ${sideEffectClasses.join(', ')}`);
  else if (!sideEffectClasses.includes(sideEffects)) yield notSupported(`${path}.sideEffects`, sideEffects, sideEffectClasses);
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > maxTimeout)) {
    yield invalidValue(`${path}.timeoutSeconds`, timeoutSeconds, `the timeout value must be between 1 and ${maxTimeout} seconds`);
  }
  yield* validateLabelSelector(`${path}.namespaceSelector`, namespaceSelector);
  yield* validateLabelSelector(`${path}.objectSelector`, objectSelector);
  yield* validateWebhookClient(clientConfig, `${path}.clientConfig`);
  yield* validateMatchConditions(matchConditions, `${path}.matchConditions`);
  yield* validateReviewVersions(admissionReviewVersions, `${path}.admissionReviewVersions`);
}

function* validateName(name: string, path: string): Iterable<FieldError> {
  const faults = dns1123Subdomain(name);
  if (faults.length > 0) yield invalidValue(path, name, faults.join(','));
  else if (name.split('.').length < 3) yield invalidValue(path, name, 'should be a domain with at least three segments separated by dots');
}

function* validateReviewVersions(versions: readonly string[], path: string): Iterable<FieldError> {
  if (versions.length === 0) return yield required(path, `must specify one of ${reviewVersions.join(', ')}`);
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) yield invalidValue(`${path}[${index}]`, version, 'duplicate version');
    else for (const message of dns1035Label(version)) yield invalidValue(`${path}[${index}]`, version, message);
  }
  if (!versions.some((version) => reviewVersions.includes(version))) yield invalidValue(path, versions, `must include at least one of ${reviewVersions.join(', ')}`);
}

/** Of all webhooks, those that convert custom objects included: where they are. */
export function* validateWebhookClient({ service, url }: WebhookClientConfig, path: string): Iterable<FieldError> {
  if ((url === undefined) === (service === undefined)) yield required(path, 'exactly one of url or service is required');
  else if (url !== undefined) yield* validateUrl(url, `${path}.url`);
  else if (service !== undefined) yield* validateService(service, `${path}.service`);
}

/** The parts of a URL, which need not be there. Source: RFC 3986, appendix B. */
const urlParts = /^(?:([^:/?#]+):)?(?:\/\/(?:([^/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

function* validateUrl(url: string, path: string): Iterable<FieldError> {
  const form = '; desired format: https://host[/path]';
  const [, scheme = '', user, host = '', query = '', fragment = ''] = urlParts.exec(url) ?? [];
  if (scheme.toLowerCase() !== 'https') yield invalidValue(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`);
  if (host === '') yield invalidValue(path, '', `host must be specified${form}`);
  if (user !== undefined) yield invalidValue(path, user, 'user information is not permitted in the URL');
  if (fragment !== '') yield invalidValue(path, fragment, 'fragments are not permitted in the URL');
  if (query !== '') yield invalidValue(path, query, 'query parameters are not permitted in the URL');
}

function* validateService({ name, namespace, path: urlPath = '/', port = 0 }: ServiceReference, path: string): Iterable<FieldError> {
  // Upstream tells of the one what it finds of the other.
  if (namespace === '') yield required(`${path}.name`);
  if (name === '') yield required(`${path}.namespace`);
  for (const message of portNumber(port)) yield invalidValue(`${path}.port`, port, `port is not valid: ${message}`);
  yield* validateUrlPath(urlPath, `${path}.path`);
}

function* validateUrlPath(urlPath: string, path: string): Iterable<FieldError> {
  if (urlPath === '' || urlPath === '/') return;
  if (urlPath === '//') return yield invalidValue(path, urlPath, 'segment[0] may not be empty');
  if (!urlPath.startsWith('/')) yield invalidValue(path, urlPath, "must start with a '/'");
  for (const [index, segment] of urlPath.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (segment === '') yield invalidValue(path, urlPath, `segment[${index}] may not be empty`);
    else for (const message of dns1123Subdomain(segment)) yield invalidValue(path, urlPath, `segment[${index}]: ${message}`);
  }
}
