/**
 * What a definition's status says of its names and whether it is served; pure.
 *
 * Source: API reference "CustomResourceDefinitionStatus"; behaviour of the API server's naming, establishing and
 * API-approval controllers.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames, CustomResourceDefinitionStatus } from '#api/apiextensions/custom-resource-definition.ts';
import { approvalOf } from './definition/api-approval.ts';

export type Condition = CustomResourceDefinitionCondition;

/** The status that `definition` should have beside `others`, all other definitions. Gives the status itself when nothing changes. */
export function planStatus(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[], nowIso: string): CustomResourceDefinitionStatus {
  const { status } = definition;
  const { names, condition } = acceptNames(definition, others.filter(({ spec }) => spec.group === definition.spec.group));
  let conditions = withCondition(conditionsOf(definition), condition, nowIso);
  if (condition.status === 'True') conditions = withCondition(conditions, { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }, nowIso);
  else if (!isTrue(definition, 'Established')) conditions = withCondition(conditions, { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, nowIso);
  const approval = approvalOf(definition);
  if (approval !== undefined) {
    conditions = withCondition(conditions, { type: 'KubernetesAPIApprovalPolicyConformant', status: approval.isApproved ? 'True' : 'False', reason: approval.reason, message: approval.message }, nowIso);
  }
  if (conditions === status.conditions && JSON.stringify(names) === JSON.stringify(status.acceptedNames)) return status;
  return { ...status, conditions, acceptedNames: names };
}

/** Whether what the definition declares is to be served. */
export function isEstablished(definition: CustomResourceDefinition): boolean {
  return isTrue(definition, 'Established');
}

export function isTrue(definition: CustomResourceDefinition, type: string): boolean {
  return conditionsOf(definition).some((each) => each.type === type && each.status === 'True');
}

function conditionsOf(definition: CustomResourceDefinition): readonly Condition[] {
  return (definition.status.conditions) ?? [];
}

/** The list with the condition in it; the very list when it says so already. The time changes only with the status. */
export function withCondition(conditions: readonly Condition[], condition: Condition, nowIso: string): readonly Condition[] {
  const at = conditions.findIndex((each) => each.type === condition.type);
  const old = conditions[at];
  if (old === undefined) return [...conditions, { ...condition, lastTransitionTime: nowIso }];
  if (old.status === condition.status && old.reason === condition.reason && old.message === condition.message) return conditions;
  const lastTransitionTime = old.status === condition.status ? old.lastTransitionTime : nowIso;
  return conditions.with(at, { ...condition, lastTransitionTime });
}

interface Acceptance {
  readonly names: CustomResourceDefinitionNames;
  readonly condition: Condition;
}

/** Each name is accepted unless another definition of the group has it; what was accepted before stays until it can be replaced. */
function acceptNames(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): Acceptance {
  const wanted = definition.spec.names;
  const had = definition.status.acceptedNames;
  const taken = others.map(({ status }) => status.acceptedNames);
  const resources = new Set(taken.flatMap((each) => [each.plural, each.singular ?? '', ...(each.shortNames ?? [])]));
  const kinds = new Set(taken.flatMap((each) => [each.kind, each.listKind ?? '']));
  const isFree = (name: string, before: string, used: ReadonlySet<string>): boolean => name === before || !used.has(name);
  const conflicts: { readonly reason: string; readonly names: readonly string[] }[] = [];
  const pick = (reason: string, name: string, before: string, used: ReadonlySet<string>): string => {
    if (isFree(name, before, used)) return name;
    conflicts.push({ reason, names: [name] });
    return before;
  };
  const plural = pick('PluralConflict', wanted.plural, had.plural, resources);
  const singular = pick('SingularConflict', wanted.singular ?? '', had.singular ?? '', resources);
  const busy = (wanted.shortNames ?? []).filter((name) => !(had.shortNames ?? []).includes(name) && resources.has(name));
  if (busy.length > 0) conflicts.push({ reason: 'ShortNamesConflict', names: busy });
  const shortNames = busy.length > 0 ? had.shortNames : wanted.shortNames;
  const kind = pick('KindConflict', wanted.kind, had.kind, kinds);
  const listKind = pick('ListKindConflict', wanted.listKind ?? '', had.listKind ?? '', kinds);
  const last = conflicts.at(-1);
  return {
    names: {
      plural, ...(singular !== '' && { singular }), ...(shortNames !== undefined && { shortNames }), kind, ...(listKind !== '' && { listKind }), ...(wanted.categories !== undefined && { categories: wanted.categories }),
    },
    condition: last === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', reason: last.reason, message: inUse(last.names) },
  };
}

function inUse(names: readonly string[]): string {
  const texts = names.map((name) => `${JSON.stringify(name)} is already in use`);
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
