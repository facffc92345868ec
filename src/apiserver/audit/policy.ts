/** Which requests are recorded, and how much of them. Pure. Source: API reference, audit.k8s.io/v1 Policy. */
import { parse } from 'yaml';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';
import { AuditSettingsError } from './settings.ts';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof levels)[number];
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof stages)[number];

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface PolicyRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** What of one request is recorded. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omits: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

/** The first rule that covers the request decides; without one nothing is recorded. */
export function decideLevel(policy: AuditPolicy, info: RequestInfo, user: UserInfo): AuditDecision {
  const rule = policy.rules.find((each) => covers(each, info, user));
  return {
    level: rule?.level ?? 'None',
    omits: new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

const isEmpty = (list: readonly unknown[] | undefined): list is undefined => list === undefined || list.length === 0;

function covers(rule: PolicyRule, info: RequestInfo, user: UserInfo): boolean {
  if (!isEmpty(rule.users) && !rule.users.includes(user.name)) return false;
  if (!isEmpty(rule.userGroups) && !user.groups.some((group) => rule.userGroups?.includes(group))) return false;
  if (!isEmpty(rule.verbs) && !rule.verbs.includes(info.verb)) return false;
  if (!isEmpty(rule.namespaces) || !isEmpty(rule.resources)) return coversResource(rule, info);
  if (!isEmpty(rule.nonResourceURLs)) return !info.isResource && rule.nonResourceURLs.some((pattern) => coversPath(pattern, info.path));
  return true;
}

function coversResource({ namespaces, resources }: PolicyRule, info: RequestInfo): boolean {
  if (!info.isResource) return false;
  // What is in no namespace is in the one called ''.
  if (!isEmpty(namespaces) && !namespaces.includes(info.namespace)) return false;
  if (isEmpty(resources)) return true;
  const whole = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return resources.some(({ group = '', resources: names, resourceNames }) => {
    if (group !== '*' && group !== info.group) return false;
    if (isEmpty(names)) return true;
    if (!isEmpty(resourceNames) && !resourceNames.includes(info.name)) return false;
    return names.some((name) => name === '*' || name === whole || (info.subresource !== '' && name === `*/${info.subresource}`) || name === `${info.resource}/*`);
  });
}

function coversPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

/** Reads a policy. Throws an `AuditSettingsError` that names the fields. */
export function parsePolicy(text: string): AuditPolicy {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new AuditSettingsError('the audit policy is no YAML', { cause: error });
  }
  if (!isJsonObject(document)) throw new AuditSettingsError('the audit policy is empty');
  const { apiVersion, kind } = document;
  if (kind !== 'Policy' || apiVersion !== 'audit.k8s.io/v1') throw new AuditSettingsError(`no kind ${JSON.stringify(kind ?? '')} is registered for version ${JSON.stringify(apiVersion ?? '')}: an audit policy is of kind "Policy" of "audit.k8s.io/v1"`);
  const policy = document as unknown as AuditPolicy;
  const errors = [...policyErrors(policy)];
  if (errors.length > 0) throw new AuditSettingsError(errors.map(describeFieldError).join(', '));
  return policy;
}

function* policyErrors(policy: AuditPolicy): Iterable<FieldError> {
  yield* stageErrors(policy.omitStages, 'omitStages');
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) {
    yield required('rules', 'loaded illegal policy with 0 rules');
    return;
  }
  for (const [index, rule] of policy.rules.entries()) {
    const path = `rules[${index}]`;
    if ((rule.level as string | undefined ?? '') === '') yield required(`${path}.level`);
    else if (!levels.includes(rule.level)) yield notSupported(`${path}.level`, rule.level, levels);
    yield* stageErrors(rule.omitStages, `${path}.omitStages`);
    if (!isEmpty(rule.nonResourceURLs)) {
      if (!isEmpty(rule.resources) || !isEmpty(rule.namespaces)) yield invalidValue(`${path}.nonResourceURLs`, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
      for (const [at, url] of rule.nonResourceURLs.entries()) {
        if (url !== '*' && !url.startsWith('/')) yield invalidValue(`${path}.nonResourceURLs[${at}]`, url, 'non-resource URL rules must begin with a \'/\' character');
        else if (url !== '*' && url.slice(0, -1).includes('*')) yield invalidValue(`${path}.nonResourceURLs[${at}]`, url, 'non-resource URL wildcards \'*\' must be the final character of the rule');
      }
    }
    for (const [at, { group = '', resources, resourceNames }] of (rule.resources ?? []).entries()) {
      if (group.includes('/')) yield invalidValue(`${path}.resources[${at}].group`, group, 'must not contain a version');
      if (!isEmpty(resourceNames) && isEmpty(resources)) yield invalidValue(`${path}.resources[${at}].resourceNames`, resourceNames, 'using resourceNames requires at least one resource');
    }
  }
}

function* stageErrors(given: readonly AuditStage[] | undefined, path: string): Iterable<FieldError> {
  for (const [index, stage] of (given ?? []).entries()) if (!stages.includes(stage)) yield notSupported(`${path}[${index}]`, stage, stages);
}
