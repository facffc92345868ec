import { ageColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported } from '#apimachinery/field-error.ts';
import { qualifiedName } from '#apimachinery/names.ts';
import type { ObjectMeta } from '#apimachinery/object-meta.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, list, map, oneOf, string } from '#apimachinery/schema.ts';
import { warnOfNodeLabels } from '../core/node-label-warnings.ts';
import { TopologySelectorTerm } from '../core/scheduling.ts';
import { validateParameters, validateProvisioner } from './validate-parameters.ts';

interface Class {
  readonly metadata: ObjectMeta;
  readonly provisioner: string;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  readonly reclaimPolicy?: string | undefined;
  readonly volumeBindingMode?: string | undefined;
  readonly allowVolumeExpansion?: boolean | undefined;
  readonly allowedTopologies?: readonly TopologySelectorTerm[] | undefined;
}

const defaultMark = 'storageclass.kubernetes.io/is-default-class';

/** Whether claims that name no class get this one. */
export function isDefaultClass({ metadata: { annotations } }: Pick<Class, 'metadata'>): boolean {
  return annotations?.[defaultMark] === 'true' || annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true';
}

function showName(object: Class): string {
  return isDefaultClass(object) ? `${object.metadata.name} (default)` : object.metadata.name;
}

function* validateClass({ allowedTopologies = [], parameters, provisioner, reclaimPolicy = 'Delete' }: Class): Iterable<FieldError> {
  yield* validateProvisioner(provisioner, 'provisioner');
  yield* validateParameters(parameters, true);
  if (reclaimPolicy !== 'Delete' && reclaimPolicy !== 'Retain') yield notSupported('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
  for (const [index, term] of allowedTopologies.entries()) {
    const path = `allowedTopologies[${index}].matchLabelExpressions`;
    yield* validateTopology(term, path);
    // Wherever its values come in another order, it is the same term.
    if (allowedTopologies.slice(0, index).some((other) => termText(other) === termText(term))) yield duplicate(path, '');
  }
}

function* validateTopology({ matchLabelExpressions = [] }: TopologySelectorTerm, path: string): Iterable<FieldError> {
  const keys = new Set<string>();
  for (const [index, { key, values }] of matchLabelExpressions.entries()) {
    const at = `${path}[${index}]`;
    for (const [position, value] of values.entries()) if (values.indexOf(value) < position) yield duplicate(`${at}.values[${position}]`, value);
    for (const message of qualifiedName(key)) yield invalidValue(`${at}.key`, key, message);
    if (keys.has(key)) yield duplicate(`${at}.key`, key);
    keys.add(key);
  }
}

function termText({ matchLabelExpressions = [] }: TopologySelectorTerm): string {
  return JSON.stringify(matchLabelExpressions.map(({ key, values }) => `${key}=${JSON.stringify(values.toSorted())}`).toSorted());
}

function* warnOfTopologies({ allowedTopologies = [] }: Class): Iterable<string> {
  for (const [index, { matchLabelExpressions = [] }] of allowedTopologies.entries()) {
    for (const [position, { key }] of matchLabelExpressions.entries()) {
      yield* warnOfNodeLabels({ [key]: '' }, () => `allowedTopologies[${index}].matchLabelExpressions[${position}].key`);
    }
  }
}

/** Volumes that exist were made as the class was: it cannot say otherwise afterwards. */
function* validateClassUpdate(now: Class, old: Class): Iterable<FieldError> {
  for (const key of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
    if (!saysTheSame(now[key], old[key])) yield forbiddenField(key, `updates to ${key} are forbidden.`);
  }
  yield* immutableValue('volumeBindingMode', now.volumeBindingMode, old.volumeBindingMode);
}

export const StorageClass = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  scope: 'Cluster',
  fields: {
    provisioner: string(2, { required: true }),
    parameters: map(3, 'string'),
    reclaimPolicy: oneOf(4, ['Delete', 'Recycle', 'Retain'], { pointer: true, default: 'Delete', worded: true }),
    mountOptions: list(5, 'string', { listType: 'atomic' }),
    allowVolumeExpansion: bool(6, { pointer: true }),
    volumeBindingMode: oneOf(7, ['Immediate', 'WaitForFirstConsumer'], { pointer: true, default: 'Immediate' }),
    allowedTopologies: list(8, TopologySelectorTerm, { listType: 'atomic' }),
  },
  strategy: { warnings: warnOfTopologies },
  validate: [validateClass],
  validateUpdate: [validateClassUpdate],
  columns: [
    column<Class>('Name', showName, { format: 'name' }),
    column<Class>('Provisioner', ({ provisioner }) => provisioner),
    column<Class>('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column<Class>('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    column<Class>('AllowVolumeExpansion', ({ allowVolumeExpansion }) => allowVolumeExpansion === true),
    ageColumn,
  ],
});
export interface StorageClass extends Infer<typeof StorageClass> {}
