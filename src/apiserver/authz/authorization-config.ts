/** Authorizers as a file lists them. Source: API reference, apiserver.config.k8s.io/v1 AuthorizationConfiguration. */
import { parse } from 'yaml';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError, duplicate, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';

export interface WebhookSettings {
  readonly authorizedTTL: string;
  readonly unauthorizedTTL: string;
  readonly timeout: string;
  readonly subjectAccessReviewVersion: 'v1' | 'v1beta1';
  readonly matchConditionSubjectAccessReviewVersion?: string;
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  readonly connectionInfo: { readonly type: 'KubeConfigFile' | 'InClusterConfig'; readonly kubeConfigFile?: string };
  readonly matchConditions?: readonly { readonly expression: string }[];
}

export interface ListedAuthorizer {
  readonly type: 'Webhook' | 'Node' | 'RBAC' | 'ABAC' | 'AlwaysAllow' | 'AlwaysDeny';
  readonly name: string;
  readonly webhook?: WebhookSettings;
}

const versions = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'];
const types = ['Webhook', 'Node', 'RBAC', 'ABAC', 'AlwaysAllow', 'AlwaysDeny'] as const;
/** May be listed several times. */
const repeatable = new Set<string>(['Webhook']);

/** Throws a message that names the fields. */
export function parseAuthorizationConfig(text: string): readonly ListedAuthorizer[] {
  const document = (parse(text) ?? {}) as { readonly apiVersion?: string; readonly kind?: string; readonly authorizers?: readonly Partial<ListedAuthorizer>[] };
  if (document.kind !== 'AuthorizationConfiguration' || !versions.includes(document.apiVersion ?? '')) throw new Error(`no kind ${JSON.stringify(document.kind ?? '')} is registered for version ${JSON.stringify(document.apiVersion ?? '')}`);
  const listed = document.authorizers ?? [];
  const errors = [...errorsOf(listed)];
  if (errors.length > 0) throw new Error(errors.map(describeFieldError).join(', '));
  return listed.map(withDefaults);
}

function withDefaults(given: Partial<ListedAuthorizer>): ListedAuthorizer {
  const { type = 'Webhook', name = type.toLowerCase(), webhook } = given;
  return { type, name, ...(webhook !== undefined && { webhook: { ...webhook, authorizedTTL: ttl(webhook.authorizedTTL, '5m'), unauthorizedTTL: ttl(webhook.unauthorizedTTL, '30s') } }) };
}

function ttl(given: string | undefined, initial: string): string {
  return given === undefined || given === '' || given === '0' || given === '0s' ? initial : given;
}

function* errorsOf(listed: readonly Partial<ListedAuthorizer>[]): Iterable<FieldError> {
  if (listed.length === 0) yield required('authorizers', 'at least one authorization mode must be defined');
  const seen = new Set<string>();
  const names = new Set<string>();
  for (const [index, { type, name = '', webhook }] of listed.entries()) {
    const path = `authorizers[${index}]`;
    if (type === undefined || (type as string) === '') {
      yield required(`${path}.type`);
      continue;
    }
    if (!types.includes(type)) yield notSupported(`${path}.type`, type, types);
    if (seen.has(type) && !repeatable.has(type)) yield duplicate(`${path}.type`, type);
    seen.add(type);
    if (name === '') yield required(`${path}.name`);
    else if (names.has(name)) yield duplicate(`${path}.name`, name);
    else if (dns1123Subdomain(name).length > 0) yield invalidValue(`${path}.name`, name, `authorizer name is invalid: ${dns1123Subdomain(name).join(', ')}`);
    names.add(name);
    if (type !== 'Webhook' && webhook !== undefined) yield invalidValue(`${path}.webhook`, 'non-null', `may only be specified when type=Webhook`);
    if (type === 'Webhook') yield* webhookErrors(webhook, `${path}.webhook`);
  }
}

function* webhookErrors(webhook: Partial<WebhookSettings> | undefined, path: string): Iterable<FieldError> {
  if (webhook === undefined) {
    yield required(path);
    return;
  }
  if ((webhook.timeout ?? '') === '') yield required(`${path}.timeout`);
  if (webhook.subjectAccessReviewVersion === undefined) yield required(`${path}.subjectAccessReviewVersion`);
  else if (webhook.subjectAccessReviewVersion !== 'v1' && webhook.subjectAccessReviewVersion !== 'v1beta1') yield notSupported(`${path}.subjectAccessReviewVersion`, webhook.subjectAccessReviewVersion, ['v1', 'v1beta1']);
  if ((webhook.matchConditions ?? []).length > 0 && webhook.matchConditionSubjectAccessReviewVersion !== 'v1') yield notSupported(`${path}.matchConditionSubjectAccessReviewVersion`, webhook.matchConditionSubjectAccessReviewVersion ?? '', ['v1']);
  if (webhook.failurePolicy === undefined) yield required(`${path}.failurePolicy`);
  else if (webhook.failurePolicy !== 'NoOpinion' && webhook.failurePolicy !== 'Deny') yield notSupported(`${path}.failurePolicy`, webhook.failurePolicy, ['NoOpinion', 'Deny']);
  const { type, kubeConfigFile = '' } = webhook.connectionInfo ?? {};
  if (type === undefined) yield required(`${path}.connectionInfo.type`);
  else if (type !== 'KubeConfigFile' && type !== 'InClusterConfig') yield notSupported(`${path}.connectionInfo.type`, type, ['InClusterConfig', 'KubeConfigFile']);
  else if (type === 'KubeConfigFile' && kubeConfigFile === '') yield required(`${path}.connectionInfo.kubeConfigFile`);
  for (const [index, { expression = '' }] of (webhook.matchConditions ?? []).entries()) if (expression.trim() === '') yield required(`${path}.matchConditions[${index}].expression`);
}
