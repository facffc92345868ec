/** Rules on what webhooks and policies are about. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooMany } from '#apimachinery/field-error.ts';
import { pathSegment, qualifiedName } from '#apimachinery/names.ts';
import type { MatchCondition, NamedRuleWithOperations, RuleWithOperations } from './matching.ts';

const supported = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const maxConditions = 64;

export function* validateRule({ operations = [], apiGroups = [], apiVersions = [], resources = [] }: RuleWithOperations, path: string): Iterable<FieldError> {
  yield* allOrSome(operations, `${path}.operations`, 'operations');
  for (const [index, operation] of operations.entries()) if (!supported.includes(operation)) yield notSupported(`${path}.operations[${index}]`, operation, supported);
  // The core group has an empty name.
  yield* allOrSome(apiGroups, `${path}.apiGroups`, 'API groups');
  yield* allOrSome(apiVersions, `${path}.apiVersions`, 'API versions');
  for (const [index, version] of apiVersions.entries()) if (version === '') yield required(`${path}.apiVersions[${index}]`);
  yield* validateResources(resources, `${path}.resources`);
}

function* allOrSome(values: readonly string[], path: string, what: string): Iterable<FieldError> {
  if (values.length === 0) yield required(path);
  if (values.length > 1 && values.includes('*')) yield invalidValue(path, values, `if '*' is present, must not specify other ${what}`);
}

/** Nothing is named that a wildcard before it has named already. */
function* validateResources(resources: readonly string[], path: string): Iterable<FieldError> {
  if (resources.length === 0) yield required(path);
  const allSubresourcesOf = new Set<string>();
  const ofAllResources = new Set<string>();
  let namesWhole = false;
  for (const [index, text] of resources.entries()) {
    if (text === '') {
      yield required(`${path}[${index}]`);
      continue;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      namesWhole = text !== '*';
      continue;
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (allSubresourcesOf.has(resource)) yield invalidValue(`${path}[${index}]`, text, `if '${resource}/*' is present, must not specify ${text}`);
    if (ofAllResources.has(subresource)) yield invalidValue(`${path}[${index}]`, text, `if '*/${subresource}' is present, must not specify ${text}`);
    if (subresource === '*') allSubresourcesOf.add(resource);
    if (resource === '*') ofAllResources.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) yield invalidValue(path, resources, "if '*/*' is present, must not specify other resources");
  if (resources.includes('*') && namesWhole) yield invalidValue(path, resources, "if '*' is present, must not specify other resources without subresources");
}

export function* validateNamedRule(rule: NamedRuleWithOperations, path: string): Iterable<FieldError> {
  const names = rule.resourceNames ?? [];
  for (const [index, name] of names.entries()) {
    for (const message of pathSegment(name)) yield invalidValue(`${path}.resourceNames[${index}]`, name, message);
    if (names.indexOf(name) < index) yield duplicate(`${path}.resourceNames[${index}]`, name);
  }
  yield* validateRule(rule, path);
}

/** Whether the expressions are any is for the server to say, which can compile them. */
export function* validateMatchConditions(conditions: readonly MatchCondition[] | undefined, path: string): Iterable<FieldError> {
  const given = conditions ?? [];
  if (given.length > maxConditions) yield tooMany(path, given.length, maxConditions);
  for (const [index, { name, expression }] of given.entries()) {
    if (expression.trim() === '') yield required(`${path}[${index}].expression`);
    if (name !== '') for (const message of qualifiedName(name)) yield invalidValue(`${path}[${index}].name`, name, message);
  }
}
