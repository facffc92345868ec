import { increase, quotaCovers, quotaUsage, sumOf, unspecified } from '#api/core/quota-usage.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import type { ResourceQuota as QuotaObject } from '#api/core/resource-quota.ts';
import { ResourceQuota } from '#api/core/resource-quota.ts';
import { Service } from '#api/core/service.ts';
import { compareQuantity, zeroQuantity } from '#apimachinery/quantity.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { StatusError } from '#apimachinery/status-error.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { RegistryContext } from '../../registry/registry-context.ts';
import { updateObject } from '../../registry/update.ts';
import { requestInfo } from '../../request/request-info.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { LimitedResource } from '../limited-resources.ts';

/** What may need more when it changes. */
const growing = new Set<unknown>([Service, PersistentVolumeClaim]);

/**
 * Nobody takes more of a namespace than its quotas give. What a new object takes is written into the quota's status
 * before the object is made, so that two requests cannot both take the last piece; should the object not come to be, the
 * controller corrects the count.
 *
 * The last plugin: what others change counts. `registry` is asked for late, for it holds the plugins.
 *
 * Source: Kubernetes documentation, "Resource Quotas"; admission plugin ResourceQuota.
 */
export function resourceQuota(registry: () => RegistryContext, limited: readonly LimitedResource[] = []): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    validate(request, { objects }) {
      const { kind, namespace, object } = request;
      if (namespace === '' || object === undefined || !takesMore(request)) return undefined;
      const quotas = [...objects.list(ResourceQuota, namespace)].filter((quota) => quotaCovers(quota, kind, object));
      checkLimited(limited, request, quotas);
      // Most namespaces have none, and their writes need not wait.
      return quotas.length === 0 ? undefined : takeOf(request, object, quotas);
    },
  };

  async function takeOf(request: AdmissionRequest, object: NonNullable<AdmissionRequest['object']>, quotas: readonly QuotaObject[]): Promise<void> {
    const { kind } = request;
    if (kind === (Pod as unknown) && request.operation === 'CREATE') for (const quota of quotas) checkSpecified(quota, object as unknown as PodObject);
    const taken = increase(quotaUsage(kind, object), request.old === undefined ? {} : quotaUsage(kind, request.old));
    for (const quota of quotas) if (Object.keys(quota.spec.hard ?? {}).some((name) => taken[name] !== undefined)) await take(registry(), request, quota, taken);
  }
}

/** What is limited needs a quota that counts it. */
function checkLimited(limited: readonly LimitedResource[], { kind, object, operation }: AdmissionRequest, quotas: readonly QuotaObject[]): void {
  if (limited.length === 0 || object === undefined || operation !== 'CREATE') return;
  const parts = limited.filter((each) => each.group === kind.group && each.resource === kind.plural).flatMap(({ matchContains }) => matchContains);
  const taken = Object.keys(quotaUsage(kind, object)).filter((name) => parts.some((part) => name.includes(part)));
  const uncovered = taken.filter((name) => !quotas.some(({ spec }) => spec.hard?.[name] !== undefined)).sort();
  if (uncovered.length > 0) throw forbidden(kind, object.metadata.name ?? '', `insufficient quota to consume: ${uncovered.join(',')}`);
}

function takesMore({ operation, kind, subresource }: AdmissionRequest): boolean {
  if (operation === 'CREATE') return subresource === '';
  return operation === 'UPDATE' && ((subresource === '' && growing.has(kind)) || (kind === (Pod as unknown) && subresource === 'resize'));
}

function checkSpecified(quota: QuotaObject, pod: PodObject): void {
  const missing = unspecified(quota.spec.hard ?? {}, pod);
  if (missing.size === 0) return;
  const text = [...missing].map(([name, containers]) => `${name} for: ${containers.join(',')}`).join('; ');
  throw forbidden(Pod, pod.metadata.name, `failed quota: ${quota.metadata.name}: must specify ${text}`);
}

async function take(registry: RegistryContext, request: AdmissionRequest, quota: QuotaObject, taken: ResourceList): Promise<void> {
  const { name, namespace } = quota.metadata;
  const call = {
    info: requestInfo('PUT', `/api/v1/namespaces/${namespace}/resourcequotas/${name}/status`, false),
    user: request.user, query: request.dryRun ? { dryRun: 'All' } : {}, userAgent: 'kube-apiserver',
  };
  await updateObject(registry, ResourceQuota, call, {
    subresource: 'status',
    change(current) {
      const now = current as QuotaObject;
      const draft = structuredClone(now) as Draft<QuotaObject>;
      (draft.metadata as { resourceVersion?: string }).resourceVersion = '';
      const refusal = refusalOf(request, now, taken);
      if (refusal !== undefined) throw refusal;
      const { hard = {}, used = {} } = now.status;
      draft.status = { hard, used: { ...used, ...sumOf(used, taken, Object.keys(hard).filter((each) => taken[each] !== undefined)) } };
      return draft;
    },
  });
}

function refusalOf({ kind, object, name: asked }: AdmissionRequest, { metadata, spec, status }: QuotaObject, taken: ResourceList): StatusError | undefined {
  const name = object?.metadata.name ?? object?.metadata.generateName ?? asked;
  const { hard = {}, used = {} } = status;
  const unknown = Object.keys(spec.hard ?? {}).filter((each) => taken[each] !== undefined && (hard[each] === undefined || used[each] === undefined));
  if (unknown.length > 0) return forbidden(kind, name, `status unknown for quota: ${metadata.name}, resources: ${unknown.sort().join(',')}`);
  const wanted = sumOf(used, taken, Object.keys(hard));
  const exceeded = Object.keys(hard).filter((each) => taken[each] !== undefined && compareQuantity(wanted[each] ?? zeroQuantity, hard[each] ?? zeroQuantity) > 0).sort();
  if (exceeded.length === 0) return undefined;
  const show = (list: ResourceList): string => exceeded.map((each) => `${each}=${list[each] ?? '0'}`).join(',');
  return forbidden(kind, name, `exceeded quota: ${metadata.name}, requested: ${show(taken)}, used: ${show(used)}, limited: ${show(hard)}`);
}
