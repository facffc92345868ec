import type { Infer } from '#apimachinery/schema.ts';
import { bytes, inline, int32, list, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';

export const ParamKind = struct('io.k8s.api.admissionregistration.v1.ParamKind', {
  apiVersion: string(1),
  kind: string(2),
}, { atomic: true });
export interface ParamKind extends Infer<typeof ParamKind> {}

export const Rule = struct('io.k8s.api.admissionregistration.v1.Rule', {
  apiGroups: list(1, 'string', { listType: 'atomic' }),
  apiVersions: list(2, 'string', { listType: 'atomic' }),
  resources: list(3, 'string', { listType: 'atomic' }),
  scope: oneOf(4, ['*', 'Cluster', 'Namespaced'], { pointer: true, default: '*' }),
});
export interface Rule extends Infer<typeof Rule> {}

export const RuleWithOperations = struct('io.k8s.api.admissionregistration.v1.RuleWithOperations', {
  operations: list(1, 'string', { listType: 'atomic' }),
}, { inlines: [inline(2, Rule)] });
export interface RuleWithOperations extends Infer<typeof RuleWithOperations> {}

export const NamedRuleWithOperations = struct('io.k8s.api.admissionregistration.v1.NamedRuleWithOperations', {
  resourceNames: list(1, 'string', { listType: 'atomic' }),
}, { inlines: [inline(2, RuleWithOperations)], atomic: true });
export interface NamedRuleWithOperations extends Infer<typeof NamedRuleWithOperations> {}

export const MatchResources = struct('io.k8s.api.admissionregistration.v1.MatchResources', {
  namespaceSelector: pointer(1, LabelSelector, { default: {} }),
  objectSelector: pointer(2, LabelSelector, { default: {} }),
  resourceRules: list(3, NamedRuleWithOperations, { listType: 'atomic' }),
  excludeResourceRules: list(4, NamedRuleWithOperations, { listType: 'atomic' }),
  matchPolicy: oneOf(7, ['Equivalent', 'Exact'], { pointer: true, default: 'Equivalent' }),
}, { atomic: true });
export interface MatchResources extends Infer<typeof MatchResources> {}

export const Variable = struct('io.k8s.api.admissionregistration.v1.Variable', {
  name: string(1, { required: true }),
  expression: string(2, { required: true }),
}, { atomic: true });
export interface Variable extends Infer<typeof Variable> {}

export const MatchCondition = struct('io.k8s.api.admissionregistration.v1.MatchCondition', {
  name: string(1, { required: true }),
  expression: string(2, { required: true }),
});
export interface MatchCondition extends Infer<typeof MatchCondition> {}

export const ParamRef = struct('io.k8s.api.admissionregistration.v1.ParamRef', {
  name: string(1),
  namespace: string(2),
  selector: pointer(3, LabelSelector),
  parameterNotFoundAction: string(4, { pointer: true }),
}, { atomic: true });
export interface ParamRef extends Infer<typeof ParamRef> {}

export const ServiceReference = struct('io.k8s.api.admissionregistration.v1.ServiceReference', {
  namespace: string(1, { required: true, mayBeEmpty: true }),
  name: string(2, { required: true, mayBeEmpty: true }),
  path: string(3, { pointer: true }),
  port: int32(4, { pointer: true, default: 443 }),
});
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = struct('io.k8s.api.admissionregistration.v1.WebhookClientConfig', {
  url: string(3, { pointer: true }),
  service: pointer(1, ServiceReference),
  caBundle: bytes(2),
});
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const Validation = struct('io.k8s.api.admissionregistration.v1.Validation', {
  expression: string(1, { required: true }),
  message: string(2),
  reason: string(3, { pointer: true }),
  messageExpression: string(4),
});
export interface Validation extends Infer<typeof Validation> {}

export const AuditAnnotation = struct('io.k8s.api.admissionregistration.v1.AuditAnnotation', {
  key: string(1, { required: true, mayBeEmpty: true }),
  valueExpression: string(2, { required: true }),
});
export interface AuditAnnotation extends Infer<typeof AuditAnnotation> {}

export const ExpressionWarning = struct('io.k8s.api.admissionregistration.v1.ExpressionWarning', {
  fieldRef: string(2, { required: true }),
  warning: string(3, { required: true }),
});
export interface ExpressionWarning extends Infer<typeof ExpressionWarning> {}

export const TypeChecking = struct('io.k8s.api.admissionregistration.v1.TypeChecking', {
  expressionWarnings: list(1, ExpressionWarning, { listType: 'atomic' }),
});
export interface TypeChecking extends Infer<typeof TypeChecking> {}
