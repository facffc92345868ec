/**
 * Policies whose expressions requests must satisfy.
 *
 * Source: Kubernetes documentation, "Validating Admission Policy"; texts as the API server words them.
 */
import { ValidatingAdmissionPolicyBinding } from '#api/admissionregistration/validating-admission-policy-binding.ts';
import type { ValidatingAdmissionPolicy as Policy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, forbidden } from '#apimachinery/status-error.ts';
import type { StatusReason } from '#apimachinery/status-error.ts';
import { EvaluationError } from '#cel/values.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { withAnswers } from '../../authz/with-answers.ts';
import type { ServedKinds } from '../../request/served-kinds.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { objectsReady } from '../webhooks/admission-review.ts';
import { isExempt } from '../webhooks/hooks.ts';
import type { Evaluation, MadeCondition, MadeExpression } from './expressions.ts';
import { ExpressionSet, makeConditions, meets } from './expressions.ts';
import { matchedBy } from './match-resources.ts';
import { PolicyError, paramsFor } from './params.ts';
import { requestValues } from './request-values.ts';

export interface PolicyDependencies {
  readonly kinds: ServedKinds;
  readonly authorizers: readonly Authorizer[];
}

interface MadePolicy {
  readonly set: ExpressionSet;
  readonly conditions: readonly MadeCondition[];
  readonly validations: readonly MadeValidation[];
  readonly annotations: readonly { readonly key: string; readonly made: MadeExpression }[];
}
interface MadeValidation {
  readonly made: MadeExpression;
  readonly message: string;
  readonly messageExpression: MadeExpression | undefined;
  readonly reason: StatusReason;
}

/** A validation that did not hold. */
interface Failure {
  readonly message: string;
  readonly reason: StatusReason;
}

type Binding = ValidatingAdmissionPolicyBinding;
const codes: Partial<Record<StatusReason, number>> = { Unauthorized: 401, Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 };

export function validatingPolicies({ kinds, authorizers }: PolicyDependencies): AdmissionPlugin {
  // A policy is compiled once per revision: the cache gives the same object until it changes.
  const compiled = new WeakMap<Policy, MadePolicy>();
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request, context) {
      if (isExempt(request)) return undefined;
      const bindings = [...context.objects.list(ValidatingAdmissionPolicyBinding)];
      return bindings.length === 0 ? undefined : validateAll(request, context, bindings);
    },
  };

  async function validateAll(request: AdmissionRequest, context: AdmissionContext, bindings: readonly Binding[]): Promise<void> {
    const labels = (): Readonly<Record<string, string>> | undefined => context.objects.get(Namespace, request.namespace)?.metadata.labels;
    const equivalents = (kind: ResourceKind): readonly ResourceKind[] => kinds.inOtherVersions(kind);
    for (const policy of context.objects.list(ValidatingAdmissionPolicy)) {
      const own = bindings.filter(({ spec }) => spec.policyName === policy.metadata.name);
      if (own.length === 0) continue;
      const kind = matchedBy(policy.spec.matchConstraints, request, equivalents, labels);
      if (kind === undefined) continue;
      for (const binding of own) {
        if (matchedBy(binding.spec.matchResources, request, equivalents, labels) === undefined) continue;
        let made = compiled.get(policy);
        if (made === undefined) compiled.set(policy, (made = make(policy)));
        await objectsReady(kind, request);
        const given = { policy, made, binding, request, kind };
        const { failures, annotations } = await withAnswers(authorizers, (answering) => evaluate(given, context, { kinds, authorizers: answering }));
        for (const [key, value] of annotations) request.annotate?.(key, value);
        for (const failure of failures) carryOut(failure, policy, binding, request);
      }
    }
  }
}

function make({ spec }: Policy): MadePolicy {
  const set = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined });
  return {
    set,
    conditions: makeConditions(set, spec.matchConditions),
    validations: (spec.validations ?? []).map(({ expression, message = '', messageExpression = '', reason }) => ({
      made: set.make(expression, 'bool'),
      message,
      messageExpression: messageExpression === '' ? undefined : set.make(messageExpression, 'string'),
      reason: (reason ?? 'Invalid') as StatusReason,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({ key, made: set.make(valueExpression, 'string') })),
  };
}

interface Case {
  readonly policy: Policy;
  readonly made: MadePolicy;
  readonly binding: Binding;
  readonly request: AdmissionRequest;
  readonly kind: ResourceKind;
}

interface Findings {
  readonly failures: readonly Failure[];
  /** For the audit event. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
}

/** Changes nothing, for it may be done several times. */
function evaluate({ policy, made, binding, request, kind }: Case, { objects }: AdmissionContext, { kinds, authorizers }: PolicyDependencies): Findings {
  const ignores = policy.spec.failurePolicy === 'Ignore';
  const failures: Failure[] = [];
  const annotations: (readonly [string, string])[] = [];
  const fail = (message: string): void => {
    if (!ignores) failures.push({ message, reason: 'Invalid' });
  };
  let params: readonly (KubeObject | null)[];
  try {
    params = paramsFor({ paramKind: policy.spec.paramKind, paramRef: binding.spec.paramRef, request }, { kinds, objects });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    fail(`failed to configure binding: ${error.message}`);
    return { failures, annotations };
  }
  const values = requestValues(request, kind, { objects, authorizers });
  for (const param of params) {
    const evaluation = made.set.evaluation({ ...values, ...(policy.spec.paramKind !== undefined && { params: param }) });
    const outcome = meets(evaluation, made.conditions);
    if ('error' in outcome) {
      fail(outcome.error);
      continue;
    }
    if (!outcome.matches) continue;
    for (const validation of made.validations) {
      try {
        if (evaluation.run(validation.made) !== true) failures.push({ message: messageOf(validation, evaluation), reason: validation.reason });
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        fail(error.message);
      }
    }
    if (request.annotate !== undefined) annotations.push(...annotationsOf(policy, made, evaluation));
  }
  return { failures, annotations };
}

function messageOf({ made, message, messageExpression }: MadeValidation, evaluation: Evaluation): string {
  const fallback = message !== '' ? message.trim() : `failed expression: ${made.source.trim()}`;
  if (messageExpression === undefined) return fallback;
  try {
    const text = evaluation.run(messageExpression);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text.trim() : fallback;
  } catch {
    return fallback;
  }
}

function* annotationsOf({ metadata }: Policy, { annotations }: MadePolicy, evaluation: Evaluation): Iterable<readonly [key: string, value: string]> {
  for (const { key, made } of annotations) {
    try {
      const value = evaluation.run(made);
      if (typeof value === 'string' && value !== '') yield [`${metadata.name}/${key}`, value];
    } catch {
      // An annotation that cannot be made is none; the request is not at fault.
    }
  }
}

function carryOut({ message, reason }: Failure, policy: Policy, binding: Binding, request: AdmissionRequest): void {
  const names = `'${policy.metadata.name}' with binding '${binding.metadata.name}'`;
  for (const action of binding.spec.validationActions) {
    switch (action) {
      case 'Deny': {
        const name = request.name === '' ? (request.object?.metadata.name ?? '') : request.name;
        const told = `ValidatingAdmissionPolicy ${names} denied request: ${message}`;
        const refusal = forbidden(request.served ?? request.kind, name, told);
        throw new StatusError(codes[reason] ?? 422, reason, refusal.message, { ...refusal.details, causes: [{ message: told }] });
      }
      case 'Warn':
        request.warn?.(`Validation failed for ValidatingAdmissionPolicy ${names}: ${message}`);
        break;
      case 'Audit':
        request.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([{ message, policy: policy.metadata.name, binding: binding.metadata.name, expressionIndex: 0, validationActions: binding.spec.validationActions }]));
        break;
      default:
    }
  }
}
