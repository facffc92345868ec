/** Rules on when a job has failed and when it has succeeded. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong, tooMany } from '#apimachinery/field-error.ts';
import { byteLength, qualifiedName } from '#apimachinery/names.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';
import { countIndexes, parseIndexes } from './indexes.ts';
import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicyRule } from './job.ts';

const most = { rules: 20, exitCodes: 255, conditions: 20, indexes: 64 * 1024 };
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

/** `["In" "NotIn"]`, as Go prints it. */
function choice(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}

export function* validateFailurePolicy(spec: JobSpec, path: string): Iterable<FieldError> {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > most.rules) yield tooMany(`${path}.rules`, rules.length, most.rules);
  const { containers, initContainers = [] } = spec.template.spec;
  const names = new Set([...containers, ...initContainers].map((container) => container.name));
  for (const [index, rule] of rules.entries()) yield* validateFailureRule(rule, spec, names, `${path}.rules[${index}]`);
}

function* validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, path: string): Iterable<FieldError> {
  const { onExitCodes, onPodConditions = [] } = rule;
  const action: string = rule.action;
  if (action === '') yield required(`${path}.action`, choice(actions));
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) yield invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set');
  if (onExitCodes !== undefined) yield* validateExitCodes(onExitCodes, names, `${path}.onExitCodes`);
  if (onPodConditions.length > most.conditions) yield tooMany(`${path}.onPodConditions`, onPodConditions.length, most.conditions);
  for (const [index, { status = '', type }] of onPodConditions.entries()) {
    const at = `${path}.onPodConditions[${index}]`;
    for (const message of qualifiedName(type)) yield invalidValue(`${at}.type`, type, message);
    if (status === '') yield required(`${at}.status`, choice(statuses));
    else if (!statuses.includes(status)) yield notSupported(`${at}.status`, status, statuses);
  }
  if (onExitCodes !== undefined && onPodConditions.length > 0) yield invalidValue(path, undefined, 'specifying both OnExitCodes and OnPodConditions is not supported');
  if (onExitCodes === undefined && onPodConditions.length === 0) yield invalidValue(path, undefined, 'specifying one of OnExitCodes and OnPodConditions is required');
}

function* validateExitCodes(codes: PodFailurePolicyOnExitCodesRequirement, names: ReadonlySet<string>, path: string): Iterable<FieldError> {
  const { containerName, values } = codes;
  const operator: string = codes.operator;
  if (operator === '') yield required(`${path}.operator`, choice(operators));
  if (containerName !== undefined && !names.has(containerName)) {
    yield invalidValue(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template');
  }
  if (values.length === 0) yield invalidValue(`${path}.values`, values, 'at least one value is required');
  if (values.length > most.exitCodes) yield tooMany(`${path}.values`, values.length, most.exitCodes);
  for (const [index, code] of values.entries()) {
    if (operator === 'In' && code === 0) yield invalidValue(`${path}.values[${index}]`, code, 'must not be 0 for the In operator');
    if (values.indexOf(code) < index) yield duplicate(`${path}.values[${index}]`, code);
  }
  if (values.some((code, index) => index > 0 && (values[index - 1] ?? code) > code)) yield invalidValue(`${path}.values`, values, 'must be ordered');
}

export function* validateSuccessPolicy(spec: JobSpec, path: string): Iterable<FieldError> {
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0) yield required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > most.rules) yield tooMany(`${path}.rules`, rules.length, most.rules);
  for (const [index, rule] of rules.entries()) yield* validateSuccessRule(rule, spec.completions ?? 0, `${path}.rules[${index}]`);
}

function* validateSuccessRule({ succeededCount: count, succeededIndexes: indexes }: SuccessPolicyRule, completions: number, path: string): Iterable<FieldError> {
  if (count === undefined && indexes === undefined) yield required(path, 'at least one of succeededCount or succeededIndexes must be specified');
  let total = 0;
  if (indexes !== undefined) {
    if (byteLength(indexes) > most.indexes) yield tooLong(`${path}.succeededIndexes`, most.indexes);
    const intervals = parseIndexes(indexes, completions);
    if (typeof intervals === 'string') yield invalidValue(`${path}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${intervals}`);
    else total = countIndexes(intervals);
  }
  if (count === undefined) return;
  const at = `${path}.succeededCount`;
  yield* nonNegativeNumber(at, count);
  if (count > completions) yield invalidValue(at, count, `must be less than or equal to ${completions} (the number of specified completions)`);
  if (indexes !== undefined && count > total) yield invalidValue(at, count, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`);
}
