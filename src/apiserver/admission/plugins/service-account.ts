import { Pod } from '#api/core/pod.ts';
import type { Container } from '#api/core/container.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { randomSuffix } from '#base/random.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';
import { mirrorPodFault, secretFault } from './account-references.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
const tokenPrefix = 'kube-api-access-';
/** A bit over an hour, so that the kubelet renews in time. */
const tokenSeconds = 3607;

/**
 * Every pod runs as a service account and, unless told otherwise, finds a token, the cluster's CA and its namespace at
 * the well-known path.
 * Source: Kubernetes documentation, "Managing Service Accounts: ServiceAccount admission controller".
 */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  mutate(request, { objects, random }) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { object: pod, namespace } = request;
    // Mirror pods have their own reason to be and no account.
    if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return;
    const { spec } = pod;
    const name = (spec.serviceAccountName ?? '') === '' ? 'default' : (spec.serviceAccountName ?? '');
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    const account = objects.get(ServiceAccount, name, namespace);
    if (account === undefined) {
      throw forbidden(Pod, pod.metadata.name ?? pod.metadata.generateName ?? '', `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`);
    }
    if (spec.imagePullSecrets === undefined && (account.imagePullSecrets ?? []).length > 0) {
      spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((each) => ({ ...each }));
    }
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, `${tokenPrefix}${randomSuffix(random)}`);
  },
  validate(request, { objects }) {
    const isDebugged = request.operation === 'UPDATE' && request.subresource === 'ephemeralcontainers';
    if (request.kind !== (Pod as unknown) || request.object === undefined || !((request.operation === 'CREATE' && request.subresource === '') || isDebugged)) return;
    const { metadata, spec } = request.object as unknown as Pod;
    const account = objects.get(ServiceAccount, spec.serviceAccountName ?? '', request.namespace);
    const fault = metadata.annotations?.[mirrorAnnotation] !== undefined ? mirrorPodFault(spec) : account === undefined ? undefined : secretFault(spec, account);
    if (fault !== undefined) throw forbidden(Pod, request.object.metadata.name ?? request.object.metadata.generateName ?? '', fault);
  },
};

function mountToken(pod: Draft<Pod>, freshName: string): void {
  const { spec } = pod;
  const existing = spec.volumes?.find((volume) => volume.name.startsWith(tokenPrefix));
  const name = existing?.name ?? freshName;
  let isMounted = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers] as Draft<Container>[]) {
    if (container.volumeMounts?.some((mount) => mount.mountPath === mountPath) === true) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
    isMounted = true;
  }
  if (!isMounted || existing !== undefined) return;
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
        ],
        defaultMode: 0o644,
      },
    },
  ] as Draft<Pod>['spec']['volumes'];
}
