import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, configMapKey } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, map } from '#apimachinery/schema.ts';
import { base64Length, maxContentBytes } from './content.ts';

interface Contents {
  readonly immutable?: boolean | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly binaryData?: Readonly<Record<string, string>> | undefined;
}

function* validateKeys({ data = {}, binaryData = {} }: Contents): Iterable<FieldError> {
  for (const key of Object.keys(data)) {
    for (const message of configMapKey(key)) yield invalidValue(`data[${key}]`, key, message);
    if (key in binaryData) yield invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData');
  }
  for (const key of Object.keys(binaryData)) for (const message of configMapKey(key)) yield invalidValue(`binaryData[${key}]`, key, message);
}

function* validateSize({ data = {}, binaryData = {} }: Contents): Iterable<FieldError> {
  let bytes = 0;
  for (const text of Object.values(data)) bytes += byteLength(text);
  for (const text of Object.values(binaryData)) bytes += base64Length(text);
  if (bytes > maxContentBytes) yield tooLong('', maxContentBytes);
}

function* validateImmutable(now: Contents, old: Contents): Iterable<FieldError> {
  if (old.immutable !== true) return;
  if (now.immutable !== true) yield forbiddenField('immutable', 'field is immutable when `immutable` is set');
  for (const key of ['data', 'binaryData'] as const) {
    if (!saysTheSame(now[key], old[key])) yield forbiddenField(key, 'field is immutable when `immutable` is set');
  }
}

export const ConfigMap = defineResource({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  scope: 'Namespaced',
  fields: {
    immutable: bool(4, { pointer: true }),
    data: map(2, 'string'),
    binaryData: map(3, 'bytes'),
  },
  validate: [validateKeys, validateSize],
  validateUpdate: [validateImmutable],
  columns: [
    nameColumn,
    column<Contents>('Data', ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length),
    ageColumn,
  ],
});
export interface ConfigMap extends Infer<typeof ConfigMap> {}
