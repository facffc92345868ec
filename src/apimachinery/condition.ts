import type { FieldError } from './field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong } from './field-error.ts';
import { byteLength, conditionReason, qualifiedName } from './names.ts';
import type { Infer } from './schema.ts';
import { int64, string, struct, time } from './schema.ts';

/** One aspect of an object's state, as newer kinds report it. */
export const Condition = struct('io.k8s.apimachinery.pkg.apis.meta.v1.Condition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  observedGeneration: int64(3),
  lastTransitionTime: time(4, { required: true }),
  reason: string(5, { required: true }),
  message: string(6, { required: true }),
});
export interface Condition extends Infer<typeof Condition> {}

const statuses = ['False', 'True', 'Unknown'];
const most = { reason: 1024, message: 32 * 1024 };

/** What is wrong with the conditions of an object's status. */
export function* validateConditions(conditions: readonly Condition[], path: string): Iterable<FieldError> {
  const types = new Set<string>();
  for (const [index, { lastTransitionTime, message, observedGeneration = 0, reason, status, type }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (types.has(type)) yield duplicate(`${at}.type`, type);
    types.add(type);
    for (const fault of qualifiedName(type)) yield invalidValue(`${at}.type`, type, fault);
    if (!statuses.includes(status)) yield notSupported(`${at}.status`, status, statuses);
    if (observedGeneration < 0) yield invalidValue(`${at}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero');
    if ((lastTransitionTime ?? '') === '') yield required(`${at}.lastTransitionTime`);
    if (reason === '') yield required(`${at}.reason`);
    else for (const fault of conditionReason(reason)) yield invalidValue(`${at}.reason`, reason, fault);
    if (byteLength(reason) > most.reason) yield tooLong(`${at}.reason`, most.reason);
    if (byteLength(message) > most.message) yield tooLong(`${at}.message`, most.message);
  }
}
