/** Rules in a file, a line of JSON each. Source: Kubernetes documentation, "Using ABAC Authorization". */
import { isJsonObject } from '#apimachinery/json.ts';
import type { Attributes, Authorizer } from './authorizer.ts';

interface AbacRule {
  readonly user?: string;
  readonly group?: string;
  readonly readonly?: boolean;
  readonly namespace?: string;
  readonly resource?: string;
  readonly apiGroup?: string;
  readonly nonResourcePath?: string;
}

const apiVersion = 'abac.authorization.kubernetes.io/v1beta1';
const readVerbs = new Set(['get', 'list', 'watch']);

/** Reads the rules. Throws a message with the line's number. */
export function parseAbac(text: string): readonly AbacRule[] {
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    let rule: unknown;
    try {
      rule = JSON.parse(trimmed);
    } catch {
      throw new Error(`line ${index + 1}: this is no JSON`);
    }
    if (!isJsonObject(rule) || rule['apiVersion'] !== apiVersion || rule['kind'] !== 'Policy' || !isJsonObject(rule['spec'])) throw new Error(`line ${index + 1}: a rule is of kind "Policy" of "${apiVersion}" and has a spec`);
    return [rule['spec']];
  });
}

export function abacAuthorizer(rules: readonly AbacRule[]): Authorizer {
  return {
    name: 'ABAC',
    authorize: (attributes) => (rules.some((rule) => allows(rule, attributes)) ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: 'No policy matched.' }),
  };
}

function allows(rule: AbacRule, attributes: Attributes): boolean {
  const { user, verb, isResource, path, namespace, resource, group } = attributes;
  if (!isSubject(rule, user) || (rule.readonly === true && !readVerbs.has(verb))) return false;
  if (!isResource) return covers(rule.nonResourcePath, path) || (rule.nonResourcePath?.endsWith('*') === true && path.startsWith(rule.nonResourcePath.slice(0, -1)));
  return covers(rule.namespace, namespace) && covers(rule.resource, resource) && covers(rule.apiGroup, group);
}

function isSubject(rule: AbacRule, user: Attributes['user']): boolean {
  const [byName, byGroup] = [rule.user ?? '', rule.group ?? ''];
  if (byName === '' && byGroup === '') return false;
  return (byName === '' || byName === '*' || byName === user.name) && (byGroup === '' || byGroup === '*' || user.groups.includes(byGroup));
}

function covers(rule: string | undefined, value: string): boolean {
  return rule === '*' || (rule ?? '') === value;
}
