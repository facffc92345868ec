/** Rules on flow schemas and priority levels. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import type { FlowSchemaSpec, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from './flow-schema.ts';
import type { ExemptPriorityLevelConfiguration, LimitedPriorityLevelConfiguration, PriorityLevelConfigurationSpec, QueuingConfiguration } from './priority-level-configuration.ts';

interface Named<S> {
  readonly metadata: { readonly name: string };
  readonly spec: S;
}

/** The lowest precedence there is. */
const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** A flow's hand is dealt from a hash with so many good bits. */
const maxHashBits = 60;
const distinguishers = ['ByNamespace', 'ByUser'];
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

const everything: Pick<PolicyRulesWithSubjects, 'resourceRules' | 'nonResourceRules'> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const group = (name: string): Subject => ({ kind: 'Group', group: { name } });

/** What these two say is fixed, so that there is always a level for everybody and one for administrators. */
const fixedSchemas: ReadonlyMap<string, FlowSchemaSpec> = new Map([
  ['exempt', { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1, rules: [{ subjects: [group('system:masters')], ...everything }] }],
  ['catch-all', {
    priorityLevelConfiguration: { name: 'catch-all' }, matchingPrecedence: maxPrecedence, distinguisherMethod: { type: 'ByUser' },
    rules: [{ subjects: [group('system:unauthenticated'), group('system:authenticated')], ...everything }],
  }],
]);
const fixedCatchAll: PriorityLevelConfigurationSpec = { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 } };

export function* validateFlowSchema({ metadata: { name }, spec }: Named<FlowSchemaSpec>): Iterable<FieldError> {
  const { matchingPrecedence, priorityLevelConfiguration } = spec;
  const at = 'spec.matchingPrecedence';
  if (matchingPrecedence <= 0) yield invalidValue(at, matchingPrecedence, 'must be a positive value');
  if (matchingPrecedence > maxPrecedence) yield invalidValue(at, matchingPrecedence, `must not be greater than ${maxPrecedence}`);
  if (matchingPrecedence === 1 && name !== 'exempt') yield invalidValue(at, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  const method = spec.distinguisherMethod?.type;
  if (method !== undefined && !distinguishers.includes(method)) yield notSupported('spec.distinguisherMethod.type', { Type: method }, distinguishers);
  const level = priorityLevelConfiguration.name;
  if (level === '') yield required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  else for (const message of dns1123Subdomain(level)) yield invalidValue('spec.priorityLevelConfiguration.name', level, message);
  for (const [index, rule] of (spec.rules ?? []).entries()) yield* validateRule(rule, `spec.rules[${index}]`);
  const fixed = fixedSchemas.get(name);
  if (fixed !== undefined && !saysTheSame(spec, fixed)) yield invalidValue('spec', spec, `spec of '${name}' must equal the fixed value`);
}

function* validateRule({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, path: string): Iterable<FieldError> {
  if (subjects.length === 0) yield required(`${path}.subjects`, 'subjects must contain at least one value');
  for (const [index, subject] of subjects.entries()) yield* validateSubject(subject, `${path}.subjects[${index}]`);
  if (resourceRules.length === 0 && nonResourceRules.length === 0) yield required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  for (const [index, rule] of resourceRules.entries()) yield* validateResourceRule(rule, `${path}.resourceRules[${index}]`);
  for (const [index, rule] of nonResourceRules.entries()) yield* validatePathRule(rule, `${path}.nonResourceRules[${index}]`);
}

const members = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const;

function* validateSubject(subject: Subject, path: string): Iterable<FieldError> {
  const { kind } = subject;
  if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') return yield notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User']);
  for (const [other, member] of Object.entries(members)) {
    if (other !== kind && subject[member] !== undefined) yield forbiddenField(`${path}.${member}`, `${member} is forbidden when subject kind is not '${other}'`);
  }
  const own = members[kind];
  const named = subject[own];
  if (named === undefined) return yield required(`${path}.${own}`, `${own} is required when subject kind is '${kind}'`);
  if (named.name === '') yield required(`${path}.${own}.name`);
  if (kind !== 'ServiceAccount' || subject.serviceAccount === undefined) return undefined;
  const { namespace, name } = subject.serviceAccount;
  if (name !== '' && name !== '*') for (const message of dns1123Subdomain(name)) yield invalidValue(`${path}.serviceAccount.name`, name, message);
  if (namespace === '') yield required(`${path}.serviceAccount.namespace`, 'must specify namespace for service account');
  else for (const message of dns1123Label(namespace)) yield invalidValue(`${path}.serviceAccount.namespace`, namespace, message);
}

function* validateVerbs(given: readonly string[], path: string): Iterable<FieldError> {
  if (given.length === 0) yield required(path, 'verbs must contain at least one value');
  else if (given.includes('*')) yield* validateWildcard(given, path, 'verbs');
  else if (given.some((verb) => !verbs.includes(verb))) yield notSupported(path, given, verbs);
}

function* validateWildcard(given: readonly string[], path: string, others: string): Iterable<FieldError> {
  if (given.includes('*') && given.length > 1) yield invalidValue(path, given, `if '*' is present, must not specify other ${others}`);
}

function* validateResourceRule({ verbs: wanted, apiGroups, resources, clusterScope, namespaces }: ResourcePolicyRule, path: string): Iterable<FieldError> {
  yield* validateVerbs(wanted, `${path}.verbs`);
  if (apiGroups.length === 0) yield required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  yield* validateWildcard(apiGroups, `${path}.apiGroups`, 'api groups');
  if (resources.length === 0) yield required(`${path}.resources`, 'resource rules must supply at least one resource');
  yield* validateWildcard(resources, `${path}.resources`, 'resources');
  if (namespaces.length === 0 && clusterScope !== true) yield required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace');
  if (namespaces.includes('*')) return yield* validateWildcard(namespaces, `${path}.namespaces`, 'namespaces');
  for (const [index, namespace] of namespaces.entries()) {
    for (const message of dns1123Label(namespace)) yield invalidValue(`${path}.namespaces[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`);
  }
}

function* validatePathRule({ verbs: wanted, nonResourceURLs }: NonResourcePolicyRule, path: string): Iterable<FieldError> {
  yield* validateVerbs(wanted, `${path}.verbs`);
  if (nonResourceURLs.length === 0) yield required(`${path}.nonResourceURLs`, 'nonResourceURLs must contain at least one value');
  if (nonResourceURLs.includes('*')) return yield* validateWildcard(nonResourceURLs, `${path}.nonResourceURLs`, 'non-resource URLs');
  for (const [index, url] of nonResourceURLs.entries()) {
    const wrong = whatIsWrongWith(url);
    if (wrong !== undefined) yield invalidValue(`${path}.nonResourceURLs[${index}]`, url, wrong);
  }
}

function whatIsWrongWith(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const wildcards = url.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

export function* validatePriorityLevel({ metadata: { name }, spec }: Named<PriorityLevelConfigurationSpec>): Iterable<FieldError> {
  if ((name === 'exempt') !== (spec.type === 'Exempt')) yield invalidValue('spec.type', spec.type, "type must be 'Exempt' if and only if name is 'exempt'");
  if (spec.type === 'Exempt' && spec.limited !== undefined) yield forbiddenField('spec.limited', 'must be nil if the type is not Limited');
  if (spec.type === 'Limited') {
    if (spec.exempt !== undefined) yield forbiddenField('spec.exempt', 'must be nil if the type is Limited');
    if (spec.limited === undefined) yield required('spec.limited', 'must not be empty when type is Limited');
    else yield* validateLimited(spec.limited, 'spec.limited');
  }
  if (spec.type === 'Exempt' && spec.exempt !== undefined) yield* validateShares(spec.exempt, 'spec.exempt');
  if (name === 'catch-all' && !saysTheSame(spec, fixedCatchAll)) yield invalidValue('spec', spec, "spec of 'catch-all' must equal the fixed value");
  if (name === 'exempt' && spec.limited !== undefined) yield invalidValue('spec', spec, "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value");
}

function* validateShares({ nominalConcurrencyShares = 0, lendablePercent = 0 }: ExemptPriorityLevelConfiguration, path: string): Iterable<FieldError> {
  if (nominalConcurrencyShares < 0) yield invalidValue(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares, 'must be a non-negative integer');
  if (lendablePercent < 0 || lendablePercent > 100) yield invalidValue(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive');
}

function* validateLimited(level: LimitedPriorityLevelConfiguration, path: string): Iterable<FieldError> {
  const { borrowingLimitPercent, limitResponse } = level;
  yield* validateShares(level, path);
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) yield invalidValue(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer');
  const { type, queuing } = limitResponse;
  const at = `${path}.limitResponse.queuing`;
  if (type === 'Reject' && queuing !== undefined) yield forbiddenField(at, 'must be nil if limited.limitResponse.type is not Limited');
  if (type !== 'Queue') return;
  if (queuing === undefined) yield required(at, 'must not be empty if limited.limitResponse.type is Limited');
  else yield* validateQueuing(queuing, at);
}

function* validateQueuing({ queues, handSize, queueLengthLimit }: QueuingConfiguration, path: string): Iterable<FieldError> {
  if (queueLengthLimit <= 0) yield invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  if (queues <= 0) yield invalidValue(`${path}.queues`, queues, 'must be positive');
  else if (queues > maxQueues) yield invalidValue(`${path}.queues`, queues, `must not be greater than ${maxQueues}`);
  if (handSize <= 0) yield invalidValue(`${path}.handSize`, handSize, 'must be positive');
  else if (handSize > queues) yield invalidValue(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits) {
    yield invalidValue(`${path}.handSize`, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`);
  }
}

interface WithConditions {
  readonly status: { readonly conditions?: readonly { readonly type?: string | undefined }[] | undefined };
}

/** Of both kinds: each condition has a type, and its type alone. */
export function* validateConditions({ status: { conditions = [] } }: WithConditions): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { type = '' }] of conditions.entries()) {
    if (seen.has(type)) yield duplicate(`status.conditions[${index}].type`, type);
    if (type === '') yield required(`status.conditions[${index}].type`, 'must not be empty');
    seen.add(type);
  }
}
