import { Pod } from '#api/core/pod.ts';
import { Eviction } from '#api/policy/eviction.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import type { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import { StatusError, badRequest, methodNotSupported, notFound } from '#apimachinery/status-error.ts';
import { admitSubresource } from '../../admission/admit-connect.ts';
import type { ApiCall, ApiResult } from '../../request/api-call.ts';
import { success } from '../../request/api-call.ts';
import { isDryRun } from '../create.ts';
import { decodeBody } from '../decode-body.ts';
import { deleteObject } from '../delete.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nowText } from '../registry-context.ts';
import { updateObject } from '../update.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

/**
 * POST pods/x/eviction: a deletion that respects disruption budgets.
 * Source: Kubernetes documentation, "API-initiated Eviction", "Disruptions".
 */
export function podEviction(registry: RegistryContext): SubresourceHandler {
  return {
    group: '',
    resource: 'pods',
    subresource: 'eviction',
    async handle(call, kind): Promise<ApiResult> {
      if (call.info.verb !== 'create') throw methodNotSupported(kind, call.info.verb);
      const { name, namespace } = call.info;
      const eviction = decodeBody(Eviction, call) as unknown as Draft<Eviction>;
      const given = eviction.metadata.name ?? '';
      if (given !== '' && given !== name) throw badRequest(`name in URL does not match name in Eviction object: ${name} != ${given}`);
      const options = (eviction.deleteOptions ?? {}) as DeleteOptions;
      await registry.cache.catchUp();
      const pod = registry.objects.get(Pod, name, namespace);
      if (pod === undefined) throw notFound(Pod, name);
      const dryRun = isDryRun(call.query) || (options.dryRun ?? []).includes('All');
      await admitSubresource(registry, call, kind, { name, dryRun, sent: { kind: Eviction, document: eviction } });
      if (countsAgainstBudgets(pod)) await takeFromBudget(registry, call, pod, dryRun);
      if (!dryRun) await markDisrupted(registry, call);
      await deleteObject(registry, kind, { namespace, name }, options, dryRun ? { ...call, query: { ...call.query, dryRun: 'All' } } : call);
      const created = success();
      return { ...created, code: 201, body: { ...created.body, code: 201 } };
    },
  };
}

/** Says in the pod's status why it goes; failure policies of Jobs look at it. Source: KEP-3329. */
async function markDisrupted(registry: RegistryContext, call: ApiCall): Promise<void> {
  const now = nowText(registry.clock);
  await updateObject(registry, Pod, { ...call, query: {} }, {
    subresource: 'status',
    isTrusted: true,
    change(current) {
      const draft = structuredClone(current) as unknown as Draft<Pod>;
      (draft.metadata as { resourceVersion?: string }).resourceVersion = '';
      const others = (draft.status.conditions ?? []).filter((each) => each.type !== 'DisruptionTarget');
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastTransitionTime: now };
      draft.status.conditions = [...others, condition];
      return draft;
    },
  });
}

/** A pod that is finished, waits for a node or is going anyway disrupts nothing. */
function countsAgainstBudgets(pod: Pod): boolean {
  const { phase } = pod.status;
  return phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending' && pod.metadata.deletionTimestamp === undefined;
}

async function takeFromBudget(registry: RegistryContext, call: ApiCall, pod: Pod, dryRun: boolean): Promise<void> {
  const { name, namespace } = pod.metadata;
  const budgets = [...registry.objects.list(PodDisruptionBudget, namespace)].filter((each) => matchesLabels(labelSelectorFrom(each.spec.selector), pod.metadata.labels));
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) throw new StatusError(500, 'InternalError', `This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.`);
  const isReady = pod.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  if (!isReady) {
    // An unready pod is not what the budget protects, unless it already has too few healthy ones.
    const policy = budget.spec.unhealthyPodEvictionPolicy ?? 'IfHealthyBudget';
    if (policy === 'AlwaysAllow' || (budget.status.desiredHealthy > 0 && budget.status.currentHealthy >= budget.status.desiredHealthy)) return;
  }
  await updateObject(registry, PodDisruptionBudget, { ...call, info: { ...call.info, name: budget.metadata.name }, query: dryRun ? { dryRun: 'All' } : {} }, {
    subresource: 'status',
    change(current) {
      const draft = structuredClone(current) as unknown as Draft<PodDisruptionBudget>;
      const { status, metadata } = draft;
      (metadata as { resourceVersion?: string }).resourceVersion = '';
      if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw tooManyDisruptions(budget.metadata.name, `The disruption budget ${budget.metadata.name} is still being processed by the server.`, 10);
      if (status.disruptionsAllowed < 0) throw tooManyDisruptions(budget.metadata.name, 'pdb disruptions allowed is negative', 0);
      if (status.disruptionsAllowed === 0) {
        throw tooManyDisruptions(budget.metadata.name, `The disruption budget ${budget.metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`, 0);
      }
      status.disruptionsAllowed--;
      status.disruptedPods = { ...status.disruptedPods, [name]: nowText(registry.clock) };
      return draft;
    },
  });
}

function tooManyDisruptions(budget: string, message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }], ...(retryAfterSeconds > 0 && { retryAfterSeconds }), name: budget,
  });
}
