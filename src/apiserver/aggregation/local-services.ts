/**
 * The APIServices of what this server serves itself. Pure.
 * Source: Kubernetes documentation, "Kubernetes API Aggregation Layer"; priorities as a v1.36 API server has them.
 */
import type { APIService as ServiceObject } from '#api/apiregistration/api-service.ts';
import { APIService } from '#api/apiregistration/api-service.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import type { DefaultObject } from '../bootstrap/default-object.ts';
import { defaultObject } from '../bootstrap/default-object.ts';

export const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';

/** Groups and versions in the order in which clients should look for a resource; higher comes first. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000, apps: 17_800, 'events.k8s.io': 17_750, 'authentication.k8s.io': 17_700, 'authorization.k8s.io': 17_600, autoscaling: 17_500, batch: 17_400,
  'certificates.k8s.io': 17_300, 'networking.k8s.io': 17_200, policy: 17_100, 'rbac.authorization.k8s.io': 17_000, 'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700, 'admissionregistration.k8s.io': 16_700, 'scheduling.k8s.io': 16_600, 'coordination.k8s.io': 16_500, 'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200, 'flowcontrol.apiserver.k8s.io': 16_100, 'internal.apiserver.k8s.io': 16_000, 'resource.k8s.io': 15_900, 'storagemigration.k8s.io': 15_800,
};
const versionPriorities: Readonly<Record<string, number>> = { '/v1': 1, 'autoscaling/v2': 30, 'flowcontrol.apiserver.k8s.io/v1': 21 };
const usualVersionPriority = 15;
/** Of groups that are defined by custom kinds. */
const custom = { groupPriorityMinimum: 1000, versionPriority: 100 };
/** Served by the aggregator itself. */
const ownGroup = 'apiregistration.k8s.io';
/** It stands first among the named groups. */
const ownPriority = 17_900;

/** Of a group that this server serves itself. */
export function groupPriority(group: string): number {
  return groupPriorities[group] ?? (group === ownGroup ? ownPriority : custom.groupPriorityMinimum);
}
export function versionPriority(group: string, version: string): number {
  return versionPriorities[`${group}/${version}`] ?? (group in groupPriorities ? usualVersionPriority : custom.versionPriority);
}

/** `v1.apps`; of the core group `v1.`. */
export function serviceName({ group, version }: { readonly group: string; readonly version: string }): string {
  return `${version}.${group}`;
}

/** One for each group version of `kinds`, written once at the start. */
export function builtInServices(kinds: readonly ResourceKind[], nowIso: string): readonly DefaultObject[] {
  const found = new Map<string, DefaultObject>();
  const condition = { type: 'Available', status: 'True', lastTransitionTime: nowIso, reason: 'Local', message: 'Local APIServices are always available' };
  for (const { group, version } of kinds) {
    if (group === ownGroup) continue;
    found.set(serviceName({ group, version }), defaultObject(APIService, {
      metadata: { name: serviceName({ group, version }), labels: { [managedLabel]: 'onstart' } },
      spec: { ...(group !== '' && { group }), version, groupPriorityMinimum: groupPriority(group), versionPriority: versionPriority(group, version) },
      status: { conditions: [condition] },
    }));
  }
  return [...found.values()];
}

/** For a version of a custom kind; it comes and goes with the definitions. */
export function customService(group: string, version: string): Given<ServiceObject> {
  return { metadata: { name: serviceName({ group, version }), labels: { [managedLabel]: 'true' } }, spec: { group, version, ...custom } };
}
