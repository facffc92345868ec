/** Configurations of webhooks and policies, claims and classes of devices are refused when their expressions are none. */
import type { MatchCondition } from '#api/admissionregistration/matching.ts';
import type { MutatingAdmissionPolicy as MutatingPolicy } from '#api/admissionregistration/mutating-admission-policy.ts';
import { MutatingAdmissionPolicy } from '#api/admissionregistration/mutating-admission-policy.ts';
import type { MutatingWebhookConfiguration as MutatingWebhooks } from '#api/admissionregistration/mutating-webhook-configuration.ts';
import { MutatingWebhookConfiguration } from '#api/admissionregistration/mutating-webhook-configuration.ts';
import type { ValidatingAdmissionPolicy as ValidatingPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingWebhookConfiguration } from '#api/admissionregistration/validating-webhook-configuration.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { checkDevices } from './check-devices.ts';
import { checkParameters } from './check-parameters.ts';
import { ExpressionSet } from './expressions.ts';
import { madeTypes } from './made-objects.ts';
import type { PolicyDependencies } from './validating-policies.ts';

type Check = (object: KubeObject, old: KubeObject | undefined) => Iterable<FieldError>;

const checks = new Map<ResourceKind, Check>([
  [MutatingWebhookConfiguration, checkWebhooks],
  [ValidatingWebhookConfiguration, checkWebhooks],
  [ValidatingAdmissionPolicy, checkValidatingPolicy],
  [MutatingAdmissionPolicy, checkMutatingPolicy],
]);

/** Part of validation; it stands here because compiling and asking authorizers is nothing that the kinds themselves could do. */
export function expressionCheck(dependencies: PolicyDependencies): AdmissionPlugin {
  return {
    name: 'ExpressionCheck',
    async validate(request, context) {
      const { kind, subresource, object, old, name } = request;
      if (object === undefined) return;
      const errors = kind.group === 'resource.k8s.io' ? [...checkDevices(request, context)]
        : subresource === '' ? [...(checks.get(kind)?.(object, old) ?? []), ...(await checkParameters(request, context, dependencies))] : [];
      if (errors.length > 0) throw invalid(kind, name === '' ? (object.metadata.name ?? '') : name, errors);
    },
  };
}

function* checkWebhooks(object: MutatingWebhooks, old: MutatingWebhooks | undefined): Iterable<FieldError> {
  const before = old?.webhooks ?? [];
  const set = new ExpressionSet({ hasParams: false });
  for (const [index, { name, matchConditions }] of (object.webhooks ?? []).entries()) {
    // What was stored under older rules may stay.
    const same = before.find((each) => each.name === name);
    if (same !== undefined && saysTheSame(same.matchConditions, matchConditions)) continue;
    yield* checkConditions(set, matchConditions, `webhooks[${index}].matchConditions`);
  }
}

function* checkConditions(set: ExpressionSet, conditions: readonly MatchCondition[] | undefined, path: string): Iterable<FieldError> {
  for (const [index, { expression }] of (conditions ?? []).entries()) yield* checkOne(set, expression, `${path}[${index}].expression`, 'bool');
}

function* checkOne(set: ExpressionSet, expression: string, path: string, result?: 'bool' | 'string'): Iterable<FieldError> {
  if (expression.trim() === '') return;
  const made = set.make(expression, result);
  if ('error' in made) yield invalidValue(path, expression, made.error);
}

function* checkValidatingPolicy(object: KubeObject, old: KubeObject | undefined): Iterable<FieldError> {
  const { spec } = object as ValidatingPolicy;
  if (saysTheSame(spec, (old as ValidatingPolicy | undefined)?.spec)) return;
  const set = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined });
  yield* checkVariables(spec);
  yield* checkConditions(set, spec.matchConditions, 'spec.matchConditions');
  for (const [index, { expression, messageExpression = '' }] of (spec.validations ?? []).entries()) {
    yield* checkOne(set, expression, `spec.validations[${index}].expression`, 'bool');
    yield* checkOne(set, messageExpression, `spec.validations[${index}].messageExpression`, 'string');
  }
  for (const [index, { valueExpression }] of (spec.auditAnnotations ?? []).entries()) yield* checkOne(set, valueExpression, `spec.auditAnnotations[${index}].valueExpression`, 'string');
}

function* checkMutatingPolicy(object: KubeObject, old: KubeObject | undefined): Iterable<FieldError> {
  const { spec } = object as MutatingPolicy;
  if (saysTheSame(spec, (old as MutatingPolicy | undefined)?.spec)) return;
  const set = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined, types: madeTypes });
  yield* checkVariables(spec);
  yield* checkConditions(set, spec.matchConditions, 'spec.matchConditions');
  for (const [index, { applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
    yield* checkOne(set, applyConfiguration?.expression ?? '', `spec.mutations[${index}].applyConfiguration.expression`);
    yield* checkOne(set, jsonPatch?.expression ?? '', `spec.mutations[${index}].jsonPatch.expression`);
  }
}

/** Each may use those before it. */
function* checkVariables({ variables = [], paramKind }: Pick<ValidatingPolicy['spec'], 'variables' | 'paramKind'>): Iterable<FieldError> {
  for (const [index, { expression }] of variables.entries()) {
    const before = new ExpressionSet({ variables: variables.slice(0, index), hasParams: paramKind !== undefined, types: madeTypes });
    yield* checkOne(before, expression, `spec.variables[${index}].expression`);
  }
}
