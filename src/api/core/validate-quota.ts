/** Rules on quotas. Source: Kubernetes documentation "Resource Quotas"; behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { isHugePages, isQuotaResource } from './resource-names.ts';
import type { ResourceQuotaSpec, ResourceQuotaStatus, ScopedResourceSelectorRequirement } from './resource-quota.ts';
import { quotaResourceName, validateAmount } from './validate-resources.ts';

type Quota = Parts<ResourceQuotaSpec, ResourceQuotaStatus>;

const ofPods = new Set(['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']);
/** What can be counted of the objects in each scope. */
const countable: Readonly<Record<string, ReadonlySet<string>>> = {
  BestEffort: new Set(['pods']),
  NotBestEffort: ofPods,
  Terminating: ofPods,
  NotTerminating: ofPods,
  PriorityClass: ofPods,
  CrossNamespacePodAffinity: ofPods,
  VolumeAttributesClass: new Set(['persistentvolumeclaims', 'requests.storage']),
};
const opposites = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const;

export function* validateQuota({ spec }: Quota): Iterable<FieldError> {
  yield* validateAmounts(spec.hard, 'spec.hard');
  const given = spec.scopes ?? [];
  for (const scope of given) {
    if (countable[scope] === undefined) yield invalidValue('spec.scopes', given, 'unsupported scope');
    for (const _ of outside(spec, scope)) yield invalidValue('spec.scopes', given, 'unsupported scope applied to resource');
  }
  yield* validateOpposites(given, 'spec.scopes', given);
  if (spec.scopeSelector === undefined) return;
  const requirements = spec.scopeSelector.matchExpressions ?? [];
  const path = 'spec.scopeSelector.matchExpressions';
  for (const requirement of requirements) {
    if (countable[requirement.scopeName] === undefined) yield invalidValue(`${path}.scopeName`, requirement.scopeName, 'unsupported scope');
    for (const _ of outside(spec, requirement.scopeName)) yield invalidValue(path, spec.scopeSelector, 'unsupported scope applied to resource');
    yield* validateRequirement(requirement, path);
  }
  yield* validateOpposites(requirements.map((requirement) => requirement.scopeName), path, given);
}

function* validateAmounts(amounts: Readonly<Record<string, string>> = {}, path: string): Iterable<FieldError> {
  for (const [name, amount] of Object.entries(amounts)) {
    yield* quotaResourceName(name, `${path}[${name}]`);
    yield* validateAmount(name, amount, `${path}[${name}]`);
  }
}

/** Resources of the quota that the scope has nothing of. */
function outside({ hard = {} }: ResourceQuotaSpec, scope: string): readonly string[] {
  return Object.keys(hard).filter((name) => (isQuotaResource(name) || isHugePages(name)) && countable[scope]?.has(name) === false);
}

function* validateOpposites(scopes: readonly string[], path: string, shown: readonly string[]): Iterable<FieldError> {
  for (const [one, other] of opposites) if (scopes.includes(one) && scopes.includes(other)) yield invalidValue(path, shown, 'conflicting scopes');
}

const onlyThere = new Set(['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']);

function* validateRequirement({ operator, scopeName, values = [] }: ScopedResourceSelectorRequirement, path: string): Iterable<FieldError> {
  if (onlyThere.has(scopeName) && operator !== 'Exists') {
    yield invalidValue(
      `${path}.operator`, operator,
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    );
  }
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) yield required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) yield invalidValue(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
      return;
    default:
      yield invalidValue(`${path}.operator`, operator, 'not a valid selector operator');
  }
}

export function* validateQuotaUpdate({ spec }: Quota, { spec: old }: Quota): Iterable<FieldError> {
  const [now, before] = [new Set(spec.scopes), new Set(old.scopes)];
  if (now.symmetricDifference(before).size > 0) yield invalidValue('spec.scopes', spec.scopes ?? null, 'field is immutable');
}

export function* validateQuotaStatus({ status }: Quota): Iterable<FieldError> {
  yield* validateAmounts(status.hard, 'status.hard');
  yield* validateAmounts(status.used, 'status.used');
}
