/** How resources are encrypted. Source: API reference, apiserver.config.k8s.io/v1 EncryptionConfiguration; error texts as upstream's. */
import { parse } from 'yaml';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError, invalidValue, required } from '#apimachinery/field-error.ts';

export interface NamedKey {
  readonly name: string;
  /** Base64. */
  readonly secret: string;
}
export interface KmsSettings {
  readonly apiVersion?: string;
  readonly name: string;
  readonly endpoint: string;
  /** Like `3s`. */
  readonly timeout?: string;
  readonly cachesize?: number;
}
export interface ProviderSettings {
  readonly aesgcm?: { readonly keys: readonly NamedKey[] };
  readonly aescbc?: { readonly keys: readonly NamedKey[] };
  readonly secretbox?: { readonly keys: readonly NamedKey[] };
  readonly identity?: object;
  readonly kms?: KmsSettings;
}
export interface ResourceSettings {
  readonly resources: readonly string[];
  readonly providers: readonly ProviderSettings[];
}

/** Why the configuration does not hold; one line. */
export class EncryptionConfigError extends Error {
  override readonly name = 'EncryptionConfigError';
}

const aesLengths = [16, 24, 32];
const secretboxLengths = [32];
const providerNames = ['kms', 'aesgcm', 'aescbc', 'secretbox', 'identity'] as const;

/** Throws an `EncryptionConfigError` that names the fields; secrets are not shown. */
export function parseEncryptionConfiguration(text: string): readonly ResourceSettings[] {
  let document: { readonly kind?: string; readonly apiVersion?: string; readonly resources?: readonly ResourceSettings[] };
  try {
    document = (parse(text) ?? {}) as typeof document;
  } catch (error) {
    throw new EncryptionConfigError(`this is no YAML: ${(error as Error).message.split('\n', 1)[0]}`);
  }
  if (document.kind !== 'EncryptionConfiguration' || document.apiVersion !== 'apiserver.config.k8s.io/v1') {
    throw new EncryptionConfigError(`no kind ${JSON.stringify(document.kind ?? '')} is registered for version ${JSON.stringify(document.apiVersion ?? '')}: it is of kind "EncryptionConfiguration" of "apiserver.config.k8s.io/v1"`);
  }
  const errors = [...errorsOf(document.resources ?? [])];
  if (errors.length > 0) throw new EncryptionConfigError(errors.map(describeFieldError).join(', '));
  return document.resources ?? [];
}

function* errorsOf(all: readonly Partial<ResourceSettings>[]): Iterable<FieldError> {
  if (all.length === 0) yield required('resources', 'at least one resources is required');
  const kmsNames = new Set<string>();
  for (const [index, { resources = [], providers = [] }] of all.entries()) {
    const path = `resources[${index}]`;
    if (resources.length === 0) yield required(`${path}.resources`, `at least one ${path}.resources is required`);
    yield* resourceErrors(resources, `${path}.resources`);
    if (providers.length === 0) yield required(`${path}.providers`, `at least one ${path}.providers is required`);
    for (const [at, provider] of providers.entries()) yield* providerErrors(provider, `${path}.providers[${at}]`, kmsNames);
  }
}

function* resourceErrors(resources: readonly string[], path: string): Iterable<FieldError> {
  const parsed = resources.map(groupResource);
  if (new Set(resources).size < resources.length) yield invalidValue(path, resources, 'the same resource cannot be specified multiple times');
  const overlaps = parsed.some((left, i) => parsed.some((right, j) => i !== j && !same(left, right) && ((left.group === '*' && left.resource === '*') || (left.group === right.group && (left.resource === '*' || right.resource === '*')))));
  if (overlaps) yield invalidValue(path, resources, 'using overlapping resources such as \'secrets\' and \'*.\' in the same resource list is not allowed as they will be masked');
  for (const [index, name] of resources.entries()) {
    const { group, resource } = groupResource(name);
    const fault = name !== name.toLowerCase() ? 'resource name should not contain capital letters'
      : name === '*' ? 'use \'*.\' to encrypt all the resources from core API group or *.* to encrypt all resources'
        : ['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'].includes(name) ? 'resources which do not have REST API/s cannot be encrypted'
          : group === 'events.k8s.io' ? '\'*.events.k8s.io\' objects are stored using the \'events\' API group in etcd. Use \'events\' instead in the config file'
            : group === 'extensions' ? '\'extensions\' group has been removed and cannot be used for encryption'
              : group === '*' && resource !== '*' ? 'encrypting the same resource across groups is not supported' : undefined;
    if (fault !== undefined) yield invalidValue(`${path}[${index}]`, name, fault);
  }
}

function* providerErrors(provider: ProviderSettings, path: string, kmsNames: Set<string>): Iterable<FieldError> {
  const given = providerNames.filter((name) => provider[name] !== undefined);
  if (given.length === 0) yield invalidValue(path, Object.keys(provider), 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity');
  if (given.length > 1) yield invalidValue(path, given, 'more than one provider specified in a single element, should split into different list elements');
  if (given.length !== 1) return;
  const { kms, aesgcm, aescbc, secretbox } = provider;
  if (kms !== undefined) yield* kmsErrors(kms, `${path}.kms`, kmsNames);
  if (aesgcm !== undefined) yield* keyErrors(aesgcm.keys, `${path}.aesgcm.keys`, aesLengths);
  if (aescbc !== undefined) yield* keyErrors(aescbc.keys, `${path}.aescbc.keys`, aesLengths);
  if (secretbox !== undefined) yield* keyErrors(secretbox.keys, `${path}.secretbox.keys`, secretboxLengths);
}

function* keyErrors(keys: readonly Partial<NamedKey>[] | undefined, path: string, lengths: readonly number[]): Iterable<FieldError> {
  if (keys === undefined || keys.length === 0) {
    yield required(path, 'at least one keys is required');
    return;
  }
  for (const [index, { name = '', secret = '' }] of keys.entries()) {
    if (name === '') yield required(`${path}[${index}].name`, 'name is a mandatory field for a key');
    if (secret === '') {
      yield required(`${path}[${index}].secret`, 'secret is a mandatory field for a key');
      continue;
    }
    const bytes = Buffer.from(secret, 'base64');
    if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(secret)) yield invalidValue(`${path}[${index}].secret`, 'REDACTED', 'secrets must be base64 encoded');
    else if (!lengths.includes(bytes.length)) yield invalidValue(`${path}[${index}].secret`, 'REDACTED', `secret is not of the expected length, got ${bytes.length}, expected one of [${lengths.join(' ')}]`);
  }
}

function* kmsErrors({ name = '', endpoint = '', timeout, apiVersion = 'v1', cachesize }: Partial<KmsSettings>, path: string, names: Set<string>): Iterable<FieldError> {
  if (name === '') yield required(`${path}.name`, 'name is a mandatory field for a provider');
  if (name.includes(':')) yield invalidValue(`${path}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`);
  if (names.has(name)) yield invalidValue(`${path}.name`, name, `duplicate KMS provider name ${name}, names must be unique`);
  names.add(name);
  if (timeout !== undefined && !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(timeout)) yield invalidValue(`${path}.timeout`, timeout, 'timeout should be a positive value');
  if (endpoint === '') yield invalidValue(`${path}.endpoint`, '', 'endpoint is a mandatory field for a kms');
  else if (!endpoint.startsWith('unix:')) yield invalidValue(`${path}.endpoint`, endpoint, `unsupported scheme ${JSON.stringify(endpoint.split(':', 1)[0])} for KMS provider, only unix is supported`);
  if (apiVersion === 'v1') yield invalidValue(`${path}.apiVersion`, apiVersion, 'KMSv1 is deprecated and not built, use KMSv2 instead');
  else if (apiVersion !== 'v2') yield invalidValue(`${path}.apiVersion`, apiVersion, 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported');
  else if (cachesize !== undefined) yield invalidValue(`${path}.cachesize`, cachesize, 'cachesize is not supported in v2');
}

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** `deployments.apps`, `secrets`, `*.`, `*.*`. */
export function groupResource(text: string): GroupResource {
  const at = text.indexOf('.');
  return at < 0 ? { group: '', resource: text } : { resource: text.slice(0, at), group: text.slice(at + 1) };
}

function same(left: GroupResource, right: GroupResource): boolean {
  return left.group === right.group && left.resource === right.resource;
}

/** Whether an entry of a list means the resource. */
export function means(entry: GroupResource, { group, resource }: GroupResource): boolean {
  return (entry.group === '*' || entry.group === group) && (entry.resource === '*' || entry.resource === resource);
}
