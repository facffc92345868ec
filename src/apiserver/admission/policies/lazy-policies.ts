/**
 * Policies and match conditions as the API server starts with them: what compiles and runs expressions is loaded with the
 * first that is there.
 */
import { MutatingAdmissionPolicyBinding } from '#api/admissionregistration/mutating-admission-policy-binding.ts';
import { ValidatingAdmissionPolicyBinding } from '#api/admissionregistration/validating-admission-policy-binding.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ConditionCheck } from '../webhooks/hooks.ts';
import type { ValueSources } from './request-values.ts';
import type { PolicyDependencies } from './validating-policies.ts';

export function lazyExpressionCheck(dependencies: PolicyDependencies): AdmissionPlugin {
  return lazyPlugin('ExpressionCheck', {
    isNeeded: ({ kind, object, subresource }) => object !== undefined && ((kind.group === 'resource.k8s.io' && kind.kind !== 'ResourceSlice') || (kind.group === 'admissionregistration.k8s.io' && subresource === '')),
    load: async () => (await import('./check-expressions.ts')).expressionCheck(dependencies),
  });
}

export function lazyValidatingPolicies(dependencies: PolicyDependencies): AdmissionPlugin {
  return lazyPlugin('ValidatingAdmissionPolicy', {
    isNeeded: (_request, context) => hasSome(context, ValidatingAdmissionPolicyBinding),
    load: async () => (await import('./validating-policies.ts')).validatingPolicies(dependencies),
  });
}

export function lazyMutatingPolicies(dependencies: PolicyDependencies): AdmissionPlugin {
  return lazyPlugin('MutatingAdmissionPolicy', {
    isNeeded: (_request, context) => hasSome(context, MutatingAdmissionPolicyBinding),
    load: async () => (await import('./mutating-policies.ts')).mutatingPolicies(dependencies),
  });
}

export function lazyConditionCheck(sources: ValueSources): ConditionCheck {
  let check: ConditionCheck | undefined;
  return async (conditions, request, kind) => (check ??= (await import('./condition-check.ts')).conditionCheck(sources))(conditions, request, kind);
}

function hasSome({ objects }: AdmissionContext, kind: ResourceKind): boolean {
  for (const _binding of objects.list(kind)) return true;
  return false;
}

interface Lazily {
  readonly isNeeded: (request: AdmissionRequest, context: AdmissionContext) => boolean;
  readonly load: () => Promise<AdmissionPlugin>;
}

function lazyPlugin(name: string, { isNeeded, load }: Lazily): AdmissionPlugin {
  let loading: Promise<AdmissionPlugin> | undefined;
  let plugin: AdmissionPlugin | undefined;
  const loaded = async (): Promise<AdmissionPlugin> => (plugin = await (loading ??= load()));
  return {
    name,
    mutate(request, context) {
      if (plugin !== undefined) return plugin.mutate?.(request, context);
      return isNeeded(request, context) ? loaded().then((made) => made.mutate?.(request, context)) : undefined;
    },
    mutateAgain(request, context) {
      if (plugin !== undefined) return plugin.mutateAgain?.(request, context);
      return isNeeded(request, context) ? loaded().then((made) => made.mutateAgain?.(request, context)) : undefined;
    },
    validate(request, context) {
      if (plugin !== undefined) return plugin.validate?.(request, context);
      return isNeeded(request, context) ? loaded().then((made) => made.validate?.(request, context)) : undefined;
    },
  };
}
