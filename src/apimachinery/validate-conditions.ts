/** Rules on conditions as newer kinds report them. Source: wording as Kubernetes' validation has it. */
import type { Condition } from './condition.ts';
import type { FieldError } from './field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong } from './field-error.ts';
import { byteLength, conditionReason, qualifiedName } from './names.ts';

const statuses = ['False', 'True', 'Unknown'];
const limits = { reason: 1024, message: 32 * 1024 };

/** What is wrong with the conditions of a status; each type may stand there once. */
export function* validateConditions(conditions: readonly Condition[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, condition] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (seen.has(condition.type)) yield duplicate(`${at}.type`, condition.type);
    seen.add(condition.type);
    yield* validateCondition(condition, at);
  }
}

/** A condition in memory need not have what its declaration demands: nobody looks at the declaration of a status. */
type Given = { readonly [K in keyof Condition]?: Condition[K] | null };

function* validateCondition({ type, status, observedGeneration, lastTransitionTime, reason, message }: Given, path: string): Iterable<FieldError> {
  for (const fault of qualifiedName(type ?? '')) yield invalidValue(`${path}.type`, type ?? '', fault);
  if (!statuses.includes(status ?? '')) yield notSupported(`${path}.status`, status ?? '', statuses);
  if ((observedGeneration ?? 0) < 0) yield invalidValue(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero');
  if ((lastTransitionTime ?? '') === '') yield required(`${path}.lastTransitionTime`);
  if ((reason ?? '') === '') yield required(`${path}.reason`);
  else for (const fault of conditionReason(reason ?? '')) yield invalidValue(`${path}.reason`, reason, fault);
  if (byteLength(reason ?? '') > limits.reason) yield tooLong(`${path}.reason`, limits.reason);
  if (byteLength(message ?? '') > limits.message) yield tooLong(`${path}.message`, limits.message);
}
