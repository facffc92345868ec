import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField } from '#apimachinery/field-error.ts';
import type { ObjectMeta } from '#apimachinery/object-meta.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, oneOf, string } from '#apimachinery/schema.ts';

interface Priority {
  readonly metadata: ObjectMeta;
  readonly value: number;
  readonly globalDefault?: boolean | undefined;
  readonly preemptionPolicy?: string | undefined;
}

/** Above it are the system's own classes. */
export const highestUserPriority = 1_000_000_000;
const systemPrefix = 'system-';
/** Source: Kubernetes documentation "Pod Priority and Preemption". */
const systemClasses: Readonly<Record<string, number>> = { 'system-cluster-critical': 2_000_000_000, 'system-node-critical': 2_000_001_000 };

function* validatePriority({ metadata: { name }, value, globalDefault }: Priority): Iterable<FieldError> {
  if (name.startsWith(systemPrefix)) {
    const fault = systemFault(name, value, globalDefault === true);
    if (fault !== undefined) yield forbiddenField('metadata.name', `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${fault}`);
  } else if (value > highestUserPriority) {
    yield forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
}

function systemFault(name: string, value: number, isDefault: boolean): string | undefined {
  const known = systemClasses[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`;
  return isDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function* validatePriorityUpdate(now: Priority, old: Priority): Iterable<FieldError> {
  if (now.value !== old.value) yield forbiddenField('value', 'may not be changed in an update.');
  yield* immutableValue('preemptionPolicy', now.preemptionPolicy, old.preemptionPolicy);
}

export const PriorityClass = defineResource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  scope: 'Cluster',
  fields: {
    value: int32(2, { always: true }),
    globalDefault: bool(3),
    description: string(4),
    preemptionPolicy: oneOf(5, ['PreemptLowerPriority', 'Never'], { pointer: true, default: 'PreemptLowerPriority' }),
  },
  strategy: { generation: true, generationFrom: [] },
  validate: [validatePriority],
  validateUpdate: [validatePriorityUpdate],
  columns: [
    nameColumn,
    column<Priority>('Value', ({ value }) => value, { type: 'integer' }),
    column<Priority>('Global-Default', ({ globalDefault }) => globalDefault === true, { type: 'boolean' }),
    ageColumn,
    column<Priority>('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
});
export interface PriorityClass extends Infer<typeof PriorityClass> {}
