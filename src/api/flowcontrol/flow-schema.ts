import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { validateConditions, validateFlowSchema } from './validate-flow-control.ts';

export const PriorityLevelConfigurationReference = struct('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference', {
  name: string(1, { required: true }),
});
export interface PriorityLevelConfigurationReference extends Infer<typeof PriorityLevelConfigurationReference> {}

export const FlowDistinguisherMethod = struct('io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod', {
  type: string(1, { required: true }),
});
export interface FlowDistinguisherMethod extends Infer<typeof FlowDistinguisherMethod> {}

export const UserSubject = struct('io.k8s.api.flowcontrol.v1.UserSubject', {
  name: string(1, { required: true }),
});
export interface UserSubject extends Infer<typeof UserSubject> {}

export const GroupSubject = struct('io.k8s.api.flowcontrol.v1.GroupSubject', {
  name: string(1, { required: true }),
});
export interface GroupSubject extends Infer<typeof GroupSubject> {}

export const ServiceAccountSubject = struct('io.k8s.api.flowcontrol.v1.ServiceAccountSubject', {
  namespace: string(1, { required: true }),
  name: string(2, { required: true }),
});
export interface ServiceAccountSubject extends Infer<typeof ServiceAccountSubject> {}

export const Subject = struct('io.k8s.api.flowcontrol.v1.Subject', {
  kind: string(1, { required: true }),
  user: pointer(2, UserSubject),
  group: pointer(3, GroupSubject),
  serviceAccount: pointer(4, ServiceAccountSubject),
}, { union: { discriminator: 'kind', of: ['user', 'group', 'serviceAccount'] } });
export interface Subject extends Infer<typeof Subject> {}

export const ResourcePolicyRule = struct('io.k8s.api.flowcontrol.v1.ResourcePolicyRule', {
  verbs: list(1, 'string', { required: true, listType: 'set' }),
  apiGroups: list(2, 'string', { required: true, listType: 'set' }),
  resources: list(3, 'string', { required: true, listType: 'set' }),
  clusterScope: bool(4),
  namespaces: list(5, 'string', { always: true, listType: 'set' }),
});
export interface ResourcePolicyRule extends Infer<typeof ResourcePolicyRule> {}

export const NonResourcePolicyRule = struct('io.k8s.api.flowcontrol.v1.NonResourcePolicyRule', {
  verbs: list(1, 'string', { required: true, listType: 'set' }),
  nonResourceURLs: list(6, 'string', { required: true, listType: 'set' }),
});
export interface NonResourcePolicyRule extends Infer<typeof NonResourcePolicyRule> {}

export const PolicyRulesWithSubjects = struct('io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects', {
  subjects: list(1, Subject, { required: true, listType: 'atomic' }),
  resourceRules: list(2, ResourcePolicyRule, { listType: 'atomic' }),
  nonResourceRules: list(3, NonResourcePolicyRule, { listType: 'atomic' }),
});
export interface PolicyRulesWithSubjects extends Infer<typeof PolicyRulesWithSubjects> {}

export const FlowSchemaSpec = struct('io.k8s.api.flowcontrol.v1.FlowSchemaSpec', {
  priorityLevelConfiguration: object(1, PriorityLevelConfigurationReference, { required: true }),
  matchingPrecedence: int32(2, { always: true, default: 1000 }),
  distinguisherMethod: pointer(3, FlowDistinguisherMethod),
  rules: list(4, PolicyRulesWithSubjects, { listType: 'atomic' }),
});
export interface FlowSchemaSpec extends Infer<typeof FlowSchemaSpec> {}

export const FlowSchemaCondition = struct('io.k8s.api.flowcontrol.v1.FlowSchemaCondition', {
  type: string(1),
  status: string(2),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface FlowSchemaCondition extends Infer<typeof FlowSchemaCondition> {}

export const FlowSchemaStatus = struct('io.k8s.api.flowcontrol.v1.FlowSchemaStatus', {
  conditions: list(1, FlowSchemaCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface FlowSchemaStatus extends Infer<typeof FlowSchemaStatus> {}

type Parted = Parts<FlowSchemaSpec, FlowSchemaStatus>;

export const FlowSchema = defineResource({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  scope: 'Cluster',
  fields: {
    spec: object(2, FlowSchemaSpec),
    status: object(3, FlowSchemaStatus),
  },
  subresources: [status()],
  validate: [validateFlowSchema],
  validateStatusUpdate: [validateConditions],
  columns: [
    nameColumn,
    column<Parted>('PriorityLevel', ({ spec }) => spec.priorityLevelConfiguration.name),
    column<Parted>('MatchingPrecedence', ({ spec }) => spec.matchingPrecedence),
    column<Parted>('DistinguisherMethod', ({ spec }) => spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    column<Parted>('MissingPL', ({ status: now }) => now.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?'),
  ],
});
export interface FlowSchema extends Infer<typeof FlowSchema> {}
