import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { configMapKey } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, map, string } from '#apimachinery/schema.ts';
import { base64Length, encodeBase64, maxContentBytes } from './content.ts';
import { secretWarnings } from './secret-warnings.ts';

interface Contents {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined };
  readonly immutable?: boolean | undefined;
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

/** Write-only plain text: it is kept as data. */
function takeStringData(draft: { data?: Record<string, string> | undefined; stringData?: Record<string, string> | undefined }): void {
  if (draft.stringData === undefined) return;
  draft.data ??= {};
  for (const [key, text] of Object.entries(draft.stringData)) draft.data[key] = encodeBase64(text);
  delete draft.stringData;
}

function* validateContents({ data = {} }: Contents): Iterable<FieldError> {
  let bytes = 0;
  for (const [key, content] of Object.entries(data)) {
    for (const message of configMapKey(key)) yield invalidValue(`data[${key}]`, key, message);
    bytes += base64Length(content);
  }
  if (bytes > maxContentBytes) yield tooLong('data', maxContentBytes);
}

/** Keys that a secret of a type must have. Source: Kubernetes documentation "Types of Secret". */
const keysOfType: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
]);
const accountName = 'kubernetes.io/service-account.name';

function* validateType({ metadata, type = '', data = {} }: Contents): Iterable<FieldError> {
  // An empty key of SSH is no key.
  for (const key of keysOfType.get(type) ?? []) if (data[key] === undefined || (type === 'kubernetes.io/ssh-auth' && data[key] === '')) yield required(`data[${key}]`);
  const config = data[type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson'];
  if (config !== undefined && type.startsWith('kubernetes.io/dockerc')) yield* validateJson(config, type === 'kubernetes.io/dockercfg' ? 'data[.dockercfg]' : 'data[.dockerconfigjson]');
  if (type === 'kubernetes.io/service-account-token' && (metadata.annotations?.[accountName] ?? '') === '') {
    yield required(`metadata.annotations[${accountName}]`);
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    yield required('data[username]');
    yield required('data[password]');
  }
}

/** The contents are not shown. */
function* validateJson(content: string, path: string): Iterable<FieldError> {
  const fault = jsonFault(new TextDecoder().decode(Uint8Array.fromBase64(content)));
  if (fault !== undefined) yield invalidValue(path, '<secret contents redacted>', fault);
}

/** Why a text is no JSON object, as Go says it in the commonest cases. */
function jsonFault(text: string): string | undefined {
  if (text.trim() === '') return 'unexpected end of JSON input';
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || isJsonObject(value)) return undefined;
    const name = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    return `json: cannot unmarshal ${name} into Go value of type map[string]interface {}`;
  } catch {
    const first = text.trimStart()[0] ?? '';
    return '{["-0123456789tfn'.includes(first) ? 'unexpected end of JSON input' : `invalid character '${first}' looking for beginning of value`;
  }
}

function* validateImmutable(now: Contents, old: Contents): Iterable<FieldError> {
  yield* immutableValue('type', now.type, old.type);
  if (old.immutable !== true) return;
  if (now.immutable !== true) yield forbiddenField('immutable', 'field is immutable when `immutable` is set');
  if (!saysTheSame(now.data, old.data)) yield forbiddenField('data', 'field is immutable when `immutable` is set');
}

export const Secret = defineResource({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  fields: {
    immutable: bool(5, { pointer: true }),
    data: map(2, 'bytes'),
    stringData: map(4, 'string'),
    type: string(3, { default: 'Opaque' }),
  },
  strategy: { warnings: secretWarnings },
  defaults: takeStringData,
  validate: [validateContents, validateType],
  validateUpdate: [validateImmutable],
  columns: [
    nameColumn,
    column<Contents>('Type', ({ type }) => type ?? ''),
    column<Contents>('Data', ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
});
export interface Secret extends Infer<typeof Secret> {}
