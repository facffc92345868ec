/**
 * What names, labels and keys must look like. Each rule takes a text and gives what is wrong with it, in Kubernetes'
 * words; an empty list means that nothing is.
 *
 * Source: Kubernetes documentation "Object Names and IDs", "Labels and Selectors"; RFC 1123, RFC 1035, RFC 6335.
 */
import type { FieldError } from './field-error.ts';
import { forbiddenField, invalidValue, required, tooLong } from './field-error.ts';
import type { OwnerReference, TemplateMeta } from './object-meta.ts';
import type { NameRule } from './resource.ts';

export type NameCheck = (value: string) => readonly string[];

const fine: readonly string[] = [];

interface Pattern {
  /** What the regular expression says, in words. */
  readonly rule: string;
  readonly source: string;
  readonly examples: readonly string[];
  readonly regex: RegExp;
}
function pattern(rule: string, source: string, ...examples: readonly string[]): Pattern {
  return { rule, source, examples, regex: new RegExp(`^(?:${source})$`) };
}

/** The sentence that Kubernetes prints for a text that misses a regular expression. */
function mismatch({ rule, source, examples }: Pattern): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (${shown === '' ? '' : `e.g. ${shown}`}regex used for validation is '${source}')`;
}

const labelSource = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1123 = pattern(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  labelSource, 'my-name', '123-abc',
);
const subdomainSource = `${labelSource}(\\.${labelSource})*`;
const subdomain1123 = pattern(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomainSource, 'example.com',
);
const underscoredLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoredSubdomain = pattern(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  `${underscoredLabel}(\\.${underscoredLabel})*`, 'example.com',
);
const wildcardSubdomain = pattern(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${subdomainSource}`, '*.example.com',
);
const label1035 = pattern(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  '[a-z]([-a-z0-9]*[a-z0-9])?', 'my-name', 'abc-123',
);
const keyName = pattern(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]', 'MyName', 'my.name', '123-abc',
);
const labelText = pattern(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${keyName.source})?`, 'MyValue', 'my_value', '12345',
);
const identifier = pattern(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  '[A-Za-z_][A-Za-z0-9_]*', 'my_name', 'MY_NAME', 'MyName',
);
const configKey = pattern(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  '[-._a-zA-Z0-9]+', 'key.name', 'KEY_NAME', 'key-name',
);
const headerName = pattern("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', 'X-Header-Name');
const percentage = pattern("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%');
const conditionReasonText = pattern(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?', 'my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB',
);

/** The longest label (RFC 1123) and the longest subdomain, in bytes. */
const maxLabelBytes = 63;
const maxSubdomainBytes = 253;

/** Kubernetes' older rules call bytes "characters". */
export function tooLongMessage(limit: number, unit: 'bytes' | 'characters' = 'characters'): string {
  return `must be no more than ${limit} ${unit}`;
}
/** Of a number out of its range, both ends allowed. */
export function rangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}
const emptyMessage = 'must be non-empty';

/** Bytes in UTF-8, counted without encoding. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : unit >= 0xd800 && unit < 0xe000 ? 1 : 2;
  }
  return bytes;
}

function check(value: string, shape: Pattern, limit: number, unit: 'bytes' | 'characters' = 'characters'): readonly string[] {
  const isTooLong = value.length > limit || byteLength(value) > limit;
  const matches = shape.regex.test(value);
  if (!isTooLong && matches) return fine;
  return [...(isTooLong ? [tooLongMessage(limit, unit)] : []), ...(matches ? [] : [mismatch(shape)])];
}

/** Most names of DNS-bound things: namespaces, containers. */
export function dns1123Label(value: string): readonly string[] {
  if (value.length <= maxLabelBytes && label1123.regex.test(value)) return fine;
  const found: string[] = [];
  if (byteLength(value) > maxLabelBytes) found.push(tooLongMessage(maxLabelBytes));
  if (!label1123.regex.test(value)) found.push(subdomain1123.regex.test(value) ? 'must not contain dots' : mismatch(label1123));
  return found;
}
/** Names of most objects. */
export function dns1123Subdomain(value: string): readonly string[] {
  return check(value, subdomain1123, maxSubdomainBytes);
}
/** Domains to search in: some of them hold services' names, which begin with an underscore. */
export function dns1123SubdomainWithUnderscore(value: string): readonly string[] {
  return check(value, underscoredSubdomain, maxSubdomainBytes);
}
export function wildcardDns1123Subdomain(value: string): readonly string[] {
  return check(value, wildcardSubdomain, maxSubdomainBytes);
}
/** Names of Services in versions that DNS bound to RFC 1035. */
export function dns1035Label(value: string): readonly string[] {
  return check(value, label1035, maxLabelBytes);
}

/** Names that need only stand in a URL: of RBAC's objects. */
export function pathSegment(value: string): readonly string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return pathSegmentPrefix(value);
}
/** What a path segment may begin with. */
export function pathSegmentPrefix(value: string): readonly string[] {
  return ['/', '%'].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`);
}

/** Keys of labels, annotations and taints, finalizers, condition types: `[prefix/]name`. */
export function qualifiedName(value: string): readonly string[] {
  const parts = value.split('/');
  if (parts.length > 2) return [`a valid label key ${mismatch(keyName)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.length === 2 ? (parts[1] ?? '') : value;
  const found: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') found.push(`prefix part ${emptyMessage}`);
    else for (const message of check(prefix, subdomain1123, maxSubdomainBytes, 'bytes')) found.push(`prefix part ${message}`);
  }
  if (name === '') found.push(`name part ${emptyMessage}`);
  else if (byteLength(name) > maxLabelBytes) found.push(`name part ${tooLongMessage(maxLabelBytes, 'bytes')}`);
  if (!keyName.regex.test(name)) found.push(`name part ${mismatch(keyName)}`);
  return found.length === 0 ? fine : found;
}
export function labelValue(value: string): readonly string[] {
  return check(value, labelText, maxLabelBytes, 'bytes');
}

/** A port's IANA name (RFC 6335), in lower case only. */
export function portName(value: string): readonly string[] {
  const found: string[] = [];
  if (byteLength(value) > 15) found.push(tooLongMessage(15));
  if (!/^[-a-z0-9]+$/.test(value)) found.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) found.push('must contain at least one letter (a-z)');
  if (value.includes('--')) found.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) found.push('must not begin or end with a hyphen');
  return found;
}
export function portNumber(value: number): readonly string[] {
  return value >= 1 && value <= 65535 ? fine : [rangeMessage(1, 65535)];
}

const urlPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const urlPathForm = new RegExp(`^${urlPath}$`);

/** `example.com/name`: the names of controllers. */
export function* validateDomainPath(value: string, path: string): Iterable<FieldError> {
  if (value === '') return yield required(path);
  const slash = value.indexOf('/');
  const [domain, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (domain === '' || rest === '') return yield invalidValue(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")');
  for (const message of dns1123Subdomain(domain)) yield invalidValue(path, domain, message);
  if (!urlPathForm.test(rest)) yield invalidValue(path, rest, `Invalid path (regex used for validation is '${urlPath}')`);
}

/** A number as people write it: no plus sign, no leading zeros. */
export function decimalInteger(value: string): readonly string[] {
  if (value === '') return [emptyMessage];
  return /^(?:0|-?[1-9][0-9]*)$/.test(value) ? fine : ['must be a valid decimal integer in canonical form'];
}

/** An environment variable: anything printable of ASCII but `=`. */
export function envVarName(value: string): readonly string[] {
  if (value === '') return [`environment variable name ${emptyMessage}`];
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(value)) return fine;
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}
/** A key of a ConfigMap or Secret: it becomes a file's name. */
export function configMapKey(value: string): readonly string[] {
  return [...check(value, configKey, maxSubdomainBytes), ...leavesDirectory(value)];
}
function leavesDirectory(value: string): readonly string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : fine;
}
export function cIdentifier(value: string): readonly string[] {
  return identifier.regex.test(value) ? fine : [mismatch(identifier)];
}
export function httpHeaderName(value: string): readonly string[] {
  return headerName.regex.test(value) ? fine : [mismatch(headerName)];
}
export function percent(value: string): readonly string[] {
  return percentage.regex.test(value) ? fine : [mismatch(percentage)];
}
export function conditionReason(value: string): readonly string[] {
  return conditionReasonText.regex.test(value) ? fine : [mismatch(conditionReasonText)];
}

const nameChecks: Readonly<Record<NameRule, NameCheck>> = {
  'dns-subdomain': dns1123Subdomain,
  'dns-label': dns1123Label,
  'dns-1035-label': dns1035Label,
  'path-segment': pathSegment,
};

/** All annotations of an object together, keys and values: what still fits into one etcd value with the rest. */
export const maxAnnotationBytes = 256 * 1024;
/** The longest name of a field manager. */
export const maxManagerBytes = 128;

export interface MetaRules {
  /** `metadata`, or `spec.template.metadata`. */
  readonly path: string;
  readonly nameRule: NameRule | NameCheck;
  readonly namespaced: boolean;
  /** Whether finalizers need a domain, but for the few that Kubernetes itself has. Custom resources may do without. */
  readonly qualifiesFinalizers?: boolean;
}

/** What is wrong with the metadata of an object that is created, after a name was generated for it. */
export function* validateObjectMeta(meta: TemplateMeta, { path, nameRule, namespaced, qualifiesFinalizers = false }: MetaRules): Iterable<FieldError> {
  const checkName = typeof nameRule === 'function' ? nameRule : nameChecks[nameRule];
  const { name = '', generateName = '', namespace = '' } = meta;
  if (generateName !== '') {
    const prefixCheck = nameRule === 'path-segment' ? pathSegmentPrefix : checkName;
    for (const message of prefixCheck(withoutTrailingDash(generateName))) yield invalidValue(`${path}.generateName`, generateName, message);
  }
  if (name === '') yield required(`${path}.name`, 'name or generateName is required');
  else for (const message of checkName(name)) yield invalidValue(`${path}.name`, name, message);
  if (!namespaced) {
    if (namespace !== '') yield forbiddenField(`${path}.namespace`, 'not allowed on this type');
  } else if (namespace === '') {
    yield required(`${path}.namespace`);
  } else {
    for (const message of dns1123Label(namespace)) yield invalidValue(`${path}.namespace`, namespace, message);
  }
  if ((meta.generation ?? 0) < 0) yield invalidValue(`${path}.generation`, meta.generation, 'must be greater than or equal to 0');
  yield* validateMetaParts(meta, path);
  yield* validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`);
  if (qualifiesFinalizers) for (const [index, finalizer] of (meta.finalizers ?? []).entries()) yield* validateFinalizerDomain(finalizer, `${path}.finalizers[${index}]`);
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** A finalizer without a domain could be anybody's. */
export function* validateFinalizerDomain(finalizer: string, path: string): Iterable<FieldError> {
  if (!finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
    yield invalidValue(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}

/** A generated name goes on after the dash, so the dash may end the prefix. */
function withoutTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}

/** What an update may not do to metadata. `old` is what is stored. */
export function* validateObjectMetaUpdate(meta: TemplateMeta, old: TemplateMeta, path: string, qualifiesFinalizers = false): Iterable<FieldError> {
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer)).sort();
    if (added.length > 0) {
      const shown = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
      yield forbiddenField(`${path}.finalizers`, `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`);
    }
  }
  if ((meta.resourceVersion ?? '') === '') yield invalidValue(`${path}.resourceVersion`, '', 'must be specified for an update');
  if ((meta.generation ?? 0) < (old.generation ?? 0)) yield invalidValue(`${path}.generation`, meta.generation ?? 0, 'must not be decremented');
  for (const key of immutableMeta) {
    if (meta[key] !== old[key]) yield invalidValue(`${path}.${key}`, meta[key] ?? null, 'field is immutable');
  }
  if (meta.finalizers !== old.finalizers) {
    yield* validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`);
    if (qualifiesFinalizers) for (const [index, finalizer] of (meta.finalizers ?? []).entries()) yield* validateFinalizerDomain(finalizer, `${path}.finalizers[${index}]`);
  }
  yield* validateMetaParts(meta, path, old);
}
const immutableMeta = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** Parts that are the very same as in `old` were fine before. */
function* validateMetaParts(meta: TemplateMeta, path: string, old?: TemplateMeta): Iterable<FieldError> {
  if (meta.labels !== undefined && meta.labels !== old?.labels) yield* validateLabels(meta.labels, `${path}.labels`);
  if (meta.annotations !== undefined && meta.annotations !== old?.annotations) yield* validateAnnotations(meta.annotations, `${path}.annotations`);
  if (meta.ownerReferences !== undefined && meta.ownerReferences !== old?.ownerReferences) {
    yield* validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`);
  }
  if (meta.managedFields !== undefined && meta.managedFields !== old?.managedFields) yield* validateManagedFields(meta.managedFields, `${path}.managedFields`);
}

/** A map of labels, or `matchLabels`. */
export function* validateLabels(labels: Readonly<Record<string, string>>, path: string): Iterable<FieldError> {
  for (const [key, value] of Object.entries(labels)) {
    for (const message of qualifiedName(key)) yield invalidValue(path, key, message);
    for (const message of labelValue(value)) yield invalidValue(path, value, message);
  }
}

export function* validateAnnotations(annotations: Readonly<Record<string, string>>, path: string): Iterable<FieldError> {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const message of qualifiedName(key.toLowerCase())) yield invalidValue(path, key, message);
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxAnnotationBytes) yield tooLong(path, maxAnnotationBytes);
}

function* validateOwnerReferences(owners: readonly OwnerReference[], path: string): Iterable<FieldError> {
  let controller: string | undefined;
  for (const owner of owners) {
    const version = owner.apiVersion.split('/').at(-1) ?? '';
    if (version === '') yield invalidValue(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty');
    for (const key of ['kind', 'name', 'uid'] as const) {
      if (owner[key] === '') yield invalidValue(`${path}.${key}`, '', 'must not be empty');
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') yield invalidValue(path, owner, '/v1, Kind=Event is disallowed from being an owner');
    if (owner.controller !== true) continue;
    const shown = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = shown;
    else {
      yield invalidValue(path, owners, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${shown}`);
    }
  }
}

function* validateFinalizers(finalizers: readonly string[], path: string): Iterable<FieldError> {
  for (const finalizer of finalizers) {
    for (const message of qualifiedName(finalizer)) yield invalidValue(path, finalizer, message);
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    yield invalidValue(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

function* validateManagedFields(entries: NonNullable<TemplateMeta['managedFields']>, path: string): Iterable<FieldError> {
  for (const [index, entry] of entries.entries()) {
    const at = `${path}[${index}]`;
    const { operation = '', fieldsType = '' } = entry;
    if (operation !== 'Apply' && operation !== 'Update') yield invalidValue(`${at}.operation`, operation, 'must be `Apply` or `Update`');
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') yield invalidValue(`${at}.fieldsType`, fieldsType, 'must be `FieldsV1`');
    yield* validateFieldManager(entry.manager ?? '', `${at}.manager`);
    if (byteLength(entry.subresource ?? '') > 256) yield tooLong(`${at}.subresource`, 256);
  }
}

/** The `fieldManager` of a request, or of a managed fields entry. */
export function* validateFieldManager(manager: string, path: string): Iterable<FieldError> {
  if (byteLength(manager) > maxManagerBytes) yield tooLong(path, maxManagerBytes);
  let position = 0;
  for (const character of manager) {
    if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      position += byteLength(character);
      continue;
    }
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    yield invalidValue(path, manager, `invalid character U+${code} (at position ${position})`);
    position += byteLength(character);
  }
}
