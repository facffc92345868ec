/** Which requests a FlowSchema is about. Pure. Source: API reference, flowcontrol.apiserver.k8s.io/v1 FlowSchemaSpec. */
import type { FlowSchemaSpec, NonResourcePolicyRule, ResourcePolicyRule, Subject } from '#api/flowcontrol/flow-schema.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';

export function schemaMatches({ rules = [] }: FlowSchemaSpec, user: UserInfo, info: RequestInfo): boolean {
  return rules.some(({ subjects, resourceRules = [], nonResourceRules = [] }) =>
    (info.isResource ? resourceRules.some((rule) => resourceMatches(rule, info)) : nonResourceRules.some((rule) => pathMatches(rule, info)))
    && subjects.some((subject) => subjectMatches(subject, user)));
}

/** What tells the flows of one schema apart: requests with the same text queue behind each other. */
export function flowOf({ distinguisherMethod }: FlowSchemaSpec, user: UserInfo, info: RequestInfo): string {
  switch (distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return info.namespace;
    default:
      return '';
  }
}

function subjectMatches({ kind, user: wantedUser, group, serviceAccount }: Subject, { name, groups }: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return wantedUser?.name === '*' || wantedUser?.name === name;
    case 'Group':
      return group?.name === '*' || (group !== undefined && groups.includes(group.name));
    case 'ServiceAccount': {
      if (serviceAccount === undefined) return false;
      const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
      return serviceAccount.name === '*' ? name.startsWith(prefix) : name === prefix + serviceAccount.name;
    }
    default:
      return false;
  }
}

function resourceMatches({ verbs, apiGroups, resources, clusterScope, namespaces }: ResourcePolicyRule, info: RequestInfo): boolean {
  if (!has(verbs, info.verb) || !has(apiGroups, info.group)) return false;
  if (!has(resources, info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`)) return false;
  return info.namespace === '' ? clusterScope === true : has(namespaces ?? [], info.namespace);
}

function pathMatches({ verbs, nonResourceURLs }: NonResourcePolicyRule, info: RequestInfo): boolean {
  return has(verbs, info.verb) && nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('/*') && info.path.startsWith(url.slice(0, -1))));
}

function has(given: readonly string[], wanted: string): boolean {
  return given.includes(wanted) || given.includes('*');
}
