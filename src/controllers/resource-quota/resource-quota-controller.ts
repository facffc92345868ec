/** Counts what a namespace uses of its quotas. Admission adds to the count; this takes off what is gone. */
import { CronJob } from '#api/batch/cron-job.ts';
import { Job } from '#api/batch/job.ts';
import { DaemonSet } from '#api/apps/daemon-set.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import { quotaCovers, quotaUsage, sumOf } from '#api/core/quota-usage.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { ResourceQuota } from '#api/core/resource-quota.ts';
import { Secret } from '#api/core/secret.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { Service } from '#api/core/service.ts';
import { Ingress } from '#api/networking/ingress.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { keyOf } from '#client/informer.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';

/** What can be counted. */
const countable = [
  Pod, Service, PersistentVolumeClaim, ConfigMap, Secret, ServiceAccount, ReplicationController, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, Ingress,
] as unknown as readonly ResourceKind[];
/** How often everything is counted anew, for objects that were counted and never came to be. */
const recountMs = 300_000;

/**
 * Follows deletions and pods that end. New objects are not followed: admission has counted them before they were there,
 * and a count made of a view that does not show them yet would be too low.
 *
 * Source: Kubernetes documentation, "Resource Quotas"; resourcequota-controller.
 */
export const resourceQuotaController = defineController<ResourceQuota>({
  name: 'resourcequota-controller',
  for: ResourceQuota,
  matters: (quota, old) => !saysTheSame(quota.spec, old.spec) || !saysTheSame(quota.spec.hard, quota.status.hard),
  watches: countable.map((kind) => watch(kind, (object, lister) => quotasAfter(kind, object, lister), takesLess)),

  async reconcile(key, { lister, client, signal }: ReconcileContext) {
    const quota = lister.get(ResourceQuota, key);
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) return done;
    const hard = quota.spec.hard ?? {};
    const status = { hard, used: usedOf(quota, lister) };
    if (!saysTheSame(status, quota.status)) await client.updateStatus(ResourceQuota, { ...quota, status }, { signal });
    return recheckAfter(recountMs);
  },
});

function usedOf(quota: ResourceQuota, lister: ControllerLister): ResourceList {
  const names = Object.keys(quota.spec.hard ?? {});
  let used: ResourceList = sumOf({}, {}, names);
  for (const kind of [...countable, ResourceQuota as unknown as ResourceKind]) {
    for (const object of lister.list(kind, quota.metadata.namespace)) {
      if (!quotaCovers(quota, kind, object)) continue;
      const usage = quotaUsage(kind, object);
      if (names.some((name) => usage[name] !== undefined)) used = sumOf(used, usage, names);
    }
  }
  return used;
}

/** Whether a change may have given something back. */
function takesLess(object: KubeObject, old: KubeObject): boolean {
  if (object.kind === Service.kind) return !saysTheSame((object as Service).spec, (old as Service).spec);
  return object.kind === Pod.kind && isTerminal(object as Pod) && !isTerminal(old as Pod);
}

function quotasAfter(kind: ResourceKind, object: KubeObject, lister: ControllerLister): readonly string[] {
  const isNew = lister.get(kind, keyOf(object))?.metadata.uid === object.metadata.uid && kind !== (Service as unknown) && !(kind === (Pod as unknown) && isTerminal(object as Pod));
  return isNew ? [] : lister.list(ResourceQuota, (object.metadata as { readonly namespace?: string }).namespace).map(keyOf);
}
