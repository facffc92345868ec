/** Whether rights include other rights; pure. */
import type { PolicyRule } from '#api/rbac/cluster-role.ts';

/**
 * What `wanted` allows and no single rule of `held` does, put together by group and resource. Empty: `held` covers all
 * of it. A right counts as held only where one rule gives it: names that add up to every name there is do not.
 */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return together(wanted.flatMap(singleRights).filter((right) => !held.some((rule) => includesRight(rule, right))));
}

/** A rule that says one thing. Of a resource right, `path` is undefined; `name` is undefined when it is about every name. */
interface Right {
  readonly verb: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
}

function singleRights(rule: PolicyRule): Right[] {
  const rights: Right[] = [];
  const names: readonly (string | undefined)[] = (rule.resourceNames ?? []).length === 0 ? [undefined] : (rule.resourceNames ?? []);
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) for (const name of names) rights.push({ verb, group, resource, ...(name !== undefined && { name }) });
    }
  }
  for (const path of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) rights.push({ verb, path });
  return rights;
}

function includesRight(rule: PolicyRule, { verb, path, group, resource, name }: Right): boolean {
  if (!hasOrAll(rule.verbs, verb)) return false;
  if (path !== undefined) return (rule.nonResourceURLs ?? []).some((url) => url === path || url === '*' || (url.endsWith('*') && path.startsWith(url.slice(0, -1))));
  if (group === undefined || resource === undefined || !hasOrAll(rule.apiGroups ?? [], group)) return false;
  const slash = resource.indexOf('/');
  const ofAnyParent = slash < 0 ? undefined : `*${resource.slice(slash)}`;
  if (!(rule.resources ?? []).some((each) => each === '*' || each === resource || each === ofAnyParent)) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}

function hasOrAll(given: readonly string[], wanted: string): boolean {
  return given.includes('*') || given.includes(wanted);
}

function together(rights: readonly Right[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const { verb, path, group = '', resource = '', name } of rights) {
    const target = JSON.stringify([path, group, resource, name]);
    const verbs = [...(byTarget.get(target)?.verbs ?? []), verb];
    byTarget.set(target, path !== undefined ? { verbs, nonResourceURLs: [path] } : { verbs, apiGroups: [group], resources: [resource], ...(name !== undefined && { resourceNames: [name] }) });
  }
  return [...byTarget.values()];
}

/** A rule on one line, as messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function describeRule({ apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [], verbs }: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['APIGroups', apiGroups], ['Resources', resources], ['NonResourceURLs', nonResourceURLs], ['ResourceNames', resourceNames], ['Verbs', verbs],
  ];
  return `{${parts.filter(([, list]) => list.length > 0).map(([name, list]) => `${name}:${quotedList(list)}`).join(', ')}}`;
}

/** `["a" "b"]`, as Go prints a list of strings. */
export function quotedList(list: readonly string[]): string {
  return `[${list.map((each) => JSON.stringify(each)).join(' ')}]`;
}
