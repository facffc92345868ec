/** What both kinds of webhook configuration share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { RuleWithOperations, WebhookClientConfig } from './matching.ts';
import type { ValidatingWebhook } from './validating-webhook-configuration.ts';

interface Webhooks {
  readonly webhooks?: readonly ValidatingWebhook[] | undefined;
}

export const webhooksColumn: Column<Webhooks> = column('Webhooks', ({ webhooks }) => (webhooks ?? []).length, { type: 'integer' });

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
/** Seconds a request may wait for one webhook. */
const maxTimeout = 30;

export function* validateWebhooks({ webhooks = [] }: Webhooks): Iterable<FieldError> {
  for (const [index, webhook] of webhooks.entries()) {
    const at = `webhooks[${index}]`;
    const { admissionReviewVersions, name, sideEffects, timeoutSeconds } = webhook;
    if (name !== '') {
      for (const message of dns1123Subdomain(name)) yield invalidValue(`${at}.name`, name, message);
      if (name.split('.').length < 3) yield invalidValue(`${at}.name`, name, 'should be a domain with at least three segments separated by dots');
    }
    if (admissionReviewVersions.length > 0 && !admissionReviewVersions.includes('v1') && !admissionReviewVersions.includes('v1beta1')) {
      yield invalidValue(`${at}.admissionReviewVersions`, admissionReviewVersions, 'must include at least one of v1, v1beta1');
    }
    if (sideEffects === 'Some' || sideEffects === 'Unknown') yield notSupported(`${at}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']);
    if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > maxTimeout)) {
      yield invalidValue(`${at}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
    }
    for (const [position, rule] of (webhook.rules ?? []).entries()) yield* validateRule(rule, `${at}.rules[${position}]`);
    yield* validateLabelSelector(`${at}.namespaceSelector`, webhook.namespaceSelector);
    yield* validateLabelSelector(`${at}.objectSelector`, webhook.objectSelector);
    yield* validateClient(webhook.clientConfig, `${at}.clientConfig`);
  }
}

export function* validateRule(rule: RuleWithOperations, path: string): Iterable<FieldError> {
  if ((rule.operations ?? []).length === 0) yield required(`${path}.operations`);
  for (const [index, operation] of (rule.operations ?? []).entries()) {
    if (!operations.includes(operation)) yield notSupported(`${path}.operations[${index}]`, operation, operations);
  }
  for (const key of ['apiGroups', 'apiVersions', 'resources'] as const) {
    const values = rule[key] ?? [];
    if (values.length === 0) yield required(`${path}.${key}`);
    if (key !== 'resources' && values.length > 1 && values.includes('*')) yield invalidValue(`${path}.${key}`, values, 'if \'*\' is present, must not specify other values');
  }
}

function* validateClient({ service, url }: WebhookClientConfig, path: string): Iterable<FieldError> {
  if ((url === undefined) === (service === undefined)) yield required(path, 'exactly one of url or service is required');
  if (url !== undefined && !url.startsWith('https://')) yield invalidValue(`${path}.url`, url, "'https' is the only allowed URL scheme; desired format: https://host[/path]");
  if (service?.path !== undefined && !service.path.startsWith('/')) yield invalidValue(`${path}.service.path`, service.path, "must start with a '/'");
}
