/**
 * Policies whose expressions change objects.
 *
 * Source: Kubernetes documentation, "Mutating Admission Policy"; texts as the API server words them.
 */
import { MutatingAdmissionPolicyBinding } from '#api/admissionregistration/mutating-admission-policy-binding.ts';
import type { MutatingAdmissionPolicy as Policy } from '#api/admissionregistration/mutating-admission-policy.ts';
import { MutatingAdmissionPolicy } from '#api/admissionregistration/mutating-admission-policy.ts';
import { Namespace } from '#api/core/namespace.ts';
import { mergeConfiguration } from '#apimachinery/apply-merge.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';
import { jsonPatch } from '#apimachinery/patch-json.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, forbidden } from '#apimachinery/status-error.ts';
import { EvaluationError } from '#cel/values.ts';
import { withAnswers } from '../../authz/with-answers.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { objectAs, objectsReady } from '../webhooks/admission-review.ts';
import { isExempt } from '../webhooks/hooks.ts';
import { replaceDraft } from '../webhooks/replace-draft.ts';
import type { Evaluation, MadeCondition, MadeExpression } from './expressions.ts';
import { ExpressionSet, makeConditions, meets } from './expressions.ts';
import { matchedBy } from './match-resources.ts';
import { madeTypes, plainJson } from './made-objects.ts';
import { PolicyError, paramsFor } from './params.ts';
import { requestValues } from './request-values.ts';
import type { PolicyDependencies } from './validating-policies.ts';

interface MadePolicy {
  readonly set: ExpressionSet;
  readonly conditions: readonly MadeCondition[];
  readonly mutations: readonly { readonly type: string; readonly made: MadeExpression }[];
}

type Binding = MutatingAdmissionPolicyBinding;

export function mutatingPolicies(dependencies: PolicyDependencies): AdmissionPlugin {
  const compiled = new WeakMap<Policy, MadePolicy>();
  return {
    name: 'MutatingAdmissionPolicy',
    mutate(request, context) {
      const bindings = bindingsFor(request, context);
      return bindings.length === 0 ? undefined : mutateAll(request, context, bindings, () => true);
    },
    mutateAgain(request, context) {
      const bindings = bindingsFor(request, context);
      return bindings.length === 0 ? undefined : mutateAll(request, context, bindings, ({ spec }) => spec.reinvocationPolicy === 'IfNeeded').then(() => undefined);
    },
  };

  async function mutateAll(request: AdmissionRequest, context: AdmissionContext, bindings: readonly Binding[], applies: (policy: Policy) => boolean): Promise<'reinvoke' | undefined> {
    const labels = (): Readonly<Record<string, string>> | undefined => context.objects.get(Namespace, request.namespace)?.metadata.labels;
    const equivalents = (kind: ResourceKind): readonly ResourceKind[] => dependencies.kinds.inOtherVersions(kind);
    let changed = false;
    for (const policy of context.objects.list(MutatingAdmissionPolicy)) {
      const own = bindings.filter(({ spec }) => spec.policyName === policy.metadata.name);
      if (own.length === 0 || !applies(policy)) continue;
      const kind = matchedBy(policy.spec.matchConstraints, request, equivalents, labels);
      if (kind === undefined) continue;
      let made = compiled.get(policy);
      if (made === undefined) compiled.set(policy, (made = make(policy)));
      for (const binding of own) {
        if (matchedBy(binding.spec.matchResources, request, equivalents, labels) === undefined) continue;
        if (await mutateBy({ policy, made, binding, request, kind }, context, dependencies)) changed = true;
      }
    }
    return changed ? 'reinvoke' : undefined;
  }
}

function bindingsFor(request: AdmissionRequest, { objects }: AdmissionContext): readonly Binding[] {
  if (request.object === undefined || request.operation === 'DELETE' || isExempt(request)) return [];
  return [...objects.list(MutatingAdmissionPolicyBinding)];
}

interface Case {
  readonly policy: Policy;
  readonly made: MadePolicy;
  readonly binding: Binding;
  readonly request: AdmissionRequest;
  readonly kind: ResourceKind;
}

async function mutateBy({ policy, made, binding, request, kind }: Case, { objects }: AdmissionContext, { kinds, authorizers }: PolicyDependencies): Promise<boolean> {
  const draft = request.object;
  if (draft === undefined) return false;
  let changed = false;
  try {
    for (const param of paramsFor({ paramKind: policy.spec.paramKind, paramRef: binding.spec.paramRef, request }, { kinds, objects })) {
      const params = policy.spec.paramKind !== undefined && { params: param };
      await objectsReady(kind, request);
      const evaluationBy = (answering: PolicyDependencies['authorizers']): Evaluation => made.set.evaluation({ ...requestValues(request, kind, { objects, authorizers: answering }), ...params });
      const outcome = await withAnswers(authorizers, (answering) => meets(evaluationBy(answering), made.conditions));
      if ('error' in outcome) throw new PolicyError(outcome.error);
      if (!outcome.matches) continue;
      for (const { type, made: expression } of made.mutations) {
        const before = objectAs(kind, draft) as JsonObject;
        const change = await withAnswers(authorizers, (answering) => plainJson(evaluationBy(answering).run(expression)));
        const after = type === 'JSONPatch' ? patched(before, change) : merged(kind, before, change);
        if (sameJson(before, after)) continue;
        await replaceDraft(draft, kind, after);
        await objectsReady(kind, request);
        changed = true;
      }
    }
  } catch (error) {
    const isOurs = error instanceof PolicyError || error instanceof EvaluationError || error instanceof StatusError;
    if (!isOurs) throw error;
    if (policy.spec.failurePolicy === 'Ignore') return changed;
    const refusal = forbidden(request.served ?? request.kind, request.name, `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${error.message}`);
    throw new StatusError(422, 'Invalid', refusal.message, refusal.details);
  }
  return changed;
}

function patched(document: JsonObject, patch: JsonValue): JsonValue {
  return jsonPatch(document, patch);
}

/** As server-side apply merges: lists by their keys, maps by theirs. */
function merged(kind: ResourceKind, document: JsonObject, configuration: JsonValue): JsonValue {
  if (!isJsonObject(configuration)) throw new PolicyError('the expression of an apply configuration must evaluate to an Object');
  return mergeConfiguration(kind, document, configuration);
}

function make({ spec }: Policy): MadePolicy {
  const set = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined, types: madeTypes });
  return {
    set,
    conditions: makeConditions(set, spec.matchConditions),
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch: patch }) => ({
      type: patchType, made: set.make((patchType === 'JSONPatch' ? patch?.expression : applyConfiguration?.expression) ?? ''),
    })),
  };
}
