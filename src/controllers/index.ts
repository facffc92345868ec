/** Every controller, one line each, with the names that `--controllers` takes. */
import type { Controller } from '#reconcile/controller.ts';
import { csrApprovingController, csrCleanerController, csrSigningController } from './certificates/certificate-controllers.ts';
import { cronJobController } from './cron-job/cron-job-controller.ts';
import { daemonSetController } from './daemon-set/daemon-set-controller.ts';
import { deploymentController } from './deployment/deployment-controller.ts';
import { disruptionController } from './disruption/disruption-controller.ts';
import { endpointSliceController } from './endpoints/endpoint-slice-controller.ts';
import { endpointSliceMirroringController } from './endpoints/endpoint-slice-mirroring-controller.ts';
import { endpointsController } from './endpoints/endpoints-controller.ts';
import { collectableKinds } from './garbage-collector/collectable-kinds.ts';
import { garbageCollector } from './garbage-collector/garbage-collector.ts';
import { jobController } from './job/job-controller.ts';
import { ttlAfterFinishedController } from './job/ttl-after-finished-controller.ts';
import { namespaceController } from './namespace/namespace-controller.ts';
import { rootCaController } from './namespace/root-ca-controller.ts';
import { serviceAccountController } from './namespace/service-account-controller.ts';
import { nodeIpamController } from './node/node-ipam-controller.ts';
import { nodeLifecycleController } from './node/node-lifecycle-controller.ts';
import { taintEvictionController } from './node/taint-eviction-controller.ts';
import type { ControllerOptions } from './options.ts';
import { podGcController } from './pod-gc/pod-gc-controller.ts';
import { clusterRoleAggregationController } from './rbac/cluster-role-aggregation-controller.ts';
import { replicaSetController, replicationController } from './replica-set/replica-set-controller.ts';
import { resourceQuotaController } from './resource-quota/resource-quota-controller.ts';
import { serviceCidrController } from './service-cidr-controller.ts';
import { statefulSetController } from './stateful-set/stateful-set-controller.ts';
import { claimProtectionController } from './volume-protection/claim-protection-controller.ts';
import { volumeProtectionController } from './volume-protection/volume-protection-controller.ts';

export type { ControllerOptions } from './options.ts';

interface Entry {
  readonly name: string;
  /** The older, shorter name that `--controllers` takes too. */
  readonly alias: string;
  /** undefined: the options give it nothing to work with. */
  readonly make: (options: ControllerOptions) => Controller | undefined;
}

export const controllers: readonly Entry[] = [
  { name: 'deployment-controller', alias: 'deployment', make: () => deploymentController },
  { name: 'endpointslice-controller', alias: 'endpointslice', make: () => endpointSliceController },
  { name: 'endpointslice-mirroring-controller', alias: 'endpointslicemirroring', make: () => endpointSliceMirroringController },
  { name: 'endpoints-controller', alias: 'endpoint', make: () => endpointsController },
  { name: 'garbage-collector-controller', alias: 'garbagecollector', make: () => garbageCollector(collectableKinds) },
  { name: 'node-ipam-controller', alias: 'nodeipam', make: nodeIpamController },
  { name: 'node-lifecycle-controller', alias: 'nodelifecycle', make: nodeLifecycleController },
  { name: 'taint-eviction-controller', alias: 'taint-eviction', make: taintEvictionController },
  { name: 'namespace-controller', alias: 'namespace', make: () => namespaceController },
  { name: 'serviceaccount-controller', alias: 'serviceaccount', make: () => serviceAccountController },
  { name: 'root-ca-certificate-publisher-controller', alias: 'root-ca-cert-publisher', make: ({ rootCaPem }) => (rootCaPem === undefined ? undefined : rootCaController(rootCaPem)) },
  { name: 'daemonset-controller', alias: 'daemonset', make: () => daemonSetController },
  { name: 'statefulset-controller', alias: 'statefulset', make: () => statefulSetController },
  { name: 'job-controller', alias: 'job', make: () => jobController },
  { name: 'cronjob-controller', alias: 'cronjob', make: () => cronJobController },
  { name: 'ttl-after-finished-controller', alias: 'ttl-after-finished', make: () => ttlAfterFinishedController },
  { name: 'certificatesigningrequest-approving-controller', alias: 'csrapproving', make: ({ clusterSigning }) => (clusterSigning === undefined ? undefined : csrApprovingController) },
  { name: 'certificatesigningrequest-signing-controller', alias: 'csrsigning', make: ({ clusterSigning, clusterSigningSeconds }) => (clusterSigning === undefined ? undefined : csrSigningController(clusterSigning, clusterSigningSeconds)) },
  { name: 'certificatesigningrequest-cleaner-controller', alias: 'csrcleaner', make: () => csrCleanerController },
  { name: 'disruption-controller', alias: 'disruption', make: () => disruptionController },
  { name: 'pod-garbage-collector-controller', alias: 'podgc', make: () => podGcController },
  { name: 'clusterrole-aggregation-controller', alias: 'clusterrole-aggregation', make: () => clusterRoleAggregationController },
  { name: 'resourcequota-controller', alias: 'resourcequota', make: () => resourceQuotaController },
  { name: 'persistentvolumeclaim-protection-controller', alias: 'pvc-protection', make: () => claimProtectionController },
  { name: 'persistentvolume-protection-controller', alias: 'pv-protection', make: () => volumeProtectionController },
  { name: 'service-cidr-controller', alias: 'service-cidr-controller', make: () => serviceCidrController },
  { name: 'replicaset-controller', alias: 'replicaset', make: () => replicaSetController },
  { name: 'replicationcontroller-controller', alias: 'replicationcontroller', make: () => replicationController },
];

/** The controllers that `options.enabled` asks for. Throws on a name that is none. */
export function controllersFor(options: ControllerOptions = {}): readonly Controller[] {
  const asked = options.enabled ?? ['*'];
  const known = new Set(['*', ...controllers.flatMap(({ name, alias }) => [name, alias])]);
  for (const item of asked) {
    if (!known.has(item.replace(/^-/, ''))) throw new Error(`"${item}" is not in the list of known controllers`);
  }
  const isEnabled = ({ name, alias }: Entry): boolean => {
    if (asked.includes(name) || asked.includes(alias)) return true;
    if (asked.includes(`-${name}`) || asked.includes(`-${alias}`)) return false;
    return asked.includes('*');
  };
  return controllers.filter(isEnabled).flatMap(({ make }) => make(options) ?? []);
}
