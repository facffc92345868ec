import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFieldError } from '#apimachinery/field-error.ts';
import { created, errorsOf, given, updated, updateErrorsOf, warningsOf } from '../kind-probe.ts';
import { Pod } from './pod.ts';

type Fields = Readonly<Record<string, unknown>>;
const base = { name: 'a', image: 'x:1' };
const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

function podOf(spec: Fields, metadata: Fields = {}): Pod {
  return created(Pod, { metadata: { name: 'web', namespace: 'default', ...metadata }, spec: { containers: [base], ...spec } });
}
/** A pod whose only container has these fields. */
function withContainer(fields: Fields, spec: Fields = {}): Fields {
  return { containers: [{ ...base, ...fields }], ...spec };
}
function withVolume(volume: Fields): Fields {
  return { volumes: [{ name: 'v', ...volume }] };
}
const at = 'spec.containers[0]';
const volume = 'spec.volumes[0]';

/** Pods, and all that is wrong with them. */
const wrong: readonly (readonly [Fields, ...string[]])[] = [
  [withContainer({ ports: [{ containerPort: 80, name: 'p' }, { containerPort: 81, name: 'p' }] }), `${at}.ports[1].name: Duplicate value: "p"`],
  [withContainer({ ports: [{ containerPort: 80 }, { containerPort: 80 }] })],
  [withContainer({ env: [{ name: 'a=b', value: '' }] }), `${at}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`],
  [withContainer({ env: [{ name: 'A', valueFrom: {} }] }), `${at}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``],
  [withContainer({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }), `${at}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
  [withContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.what' } } }] }), `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.what": error converting fieldPath: field label not supported: metadata.what`],
  [withContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.host' } } }] })],
  [withContainer({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }] }), `${at}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`],
  [withContainer({ env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'none', path: '../x', key: 'K' } } }] }),
    `${at}.env[0].valueFrom.fileKeyRef.volumeName: Not found: "none"`, `${at}.env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain '..'`],
  [withContainer({ envFrom: [{ prefix: 'p' }] }), `${at}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
  [withContainer({ volumeMounts: [{ name: 'v', mountPath: '/a', subPath: '../b' }, { name: 'v', mountPath: '/a' }] }, withVolume({ emptyDir: {} })),
    `${at}.volumeMounts.subPath: Invalid value: "../b": must not contain '..'`, `${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`],
  [withContainer({ volumeMounts: [{ name: 'v', mountPath: '/a', recursiveReadOnly: 'Enabled' }] }, withVolume({ emptyDir: {} })), `${at}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`],
  [withContainer({ volumeDevices: [{ name: 'v', devicePath: '/dev/../x' }] }, withVolume({ emptyDir: {} })),
    `${at}.volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`, `${at}.volumeDevices[0].devicePath: Invalid value: "/dev/../x": can not contain backsteps ('..')`],
  [withContainer({ resources: { requests: { 'my-resource': '1' } } }), `${at}.resources.requests[my-resource]: Invalid value: "my-resource": must be a standard resource type or fully qualified`, `${at}.resources.requests[my-resource]: Invalid value: "my-resource": must be a standard resource for containers`],
  [withContainer({ resources: { limits: { 'example.com/gpu': '500m' } } }), ...['requests', 'limits'].toReversed().map((part) => `${at}.resources.${part}[example.com/gpu]: Invalid value: "500m": must be an integer`)],
  [withContainer({ resources: { claims: [{ name: 'c' }] } }), `${at}.resources.claims[0]: Not found: "c": must be one of the names in pod.spec.resourceClaims which is empty`],
  [withContainer({ securityContext: { runAsUser: -1, procMount: 'Unmasked', seccompProfile: { type: 'Localhost' } } }),
    `${at}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`, `${at}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
    `${at}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`],
  [withContainer({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] }), `${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
  [withContainer({ restartPolicy: 'Sometimes', restartPolicyRules: [{ action: 'Stop' }] }), `${at}.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`,
    `${at}.restartPolicyRules[0].action: Unsupported value: "Stop": supported values: "Restart", "RestartAllContainers"`, `${at}.restartPolicyRules[0].exitCodes: Required value: must be specified`],
  [withContainer({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }), `${at}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`],
  [withContainer({ lifecycle: { stopSignal: 'SIGUSR1' } }), `${at}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``],
  [withContainer({ livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'a b', value: '' }] } } }), `${at}.livenessProbe.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`],
  [withContainer({ resizePolicy: [{ resourceName: 'disk', restartPolicy: 'NotRequired' }] }), `${at}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"`],
  [{ initContainers: [{ ...base, name: 'i', livenessProbe: { exec: { command: ['x'] } } }] }, 'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
  [withVolume({})],
  [withVolume({ emptyDir: { sizeLimit: '-1' } }), `${volume}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity`],
  [withVolume({ hostPath: { path: '/a/../b' } }), `${volume}.hostPath.path: Invalid value: "/a/../b": must not contain '..'`],
  [withVolume({ nfs: { server: 's', path: 'p' } }), `${volume}.nfs.path: Invalid value: "p": must be an absolute path`],
  [withVolume({ secret: { secretName: 's', items: [{ key: 'k', path: '/p', mode: 512 }] } }), `${volume}.secret.items[0].path: Invalid value: "/p": must be a relative path`, `${volume}.secret.items[0].mode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive`],
  [withVolume({ ephemeral: {} }), `${volume}.ephemeral.volumeClaimTemplate: Required value`],
  [withVolume({ ephemeral: { volumeClaimTemplate: { metadata: { name: 'n' }, spec: { resources: { requests: { storage: '1Gi' } } } } } }),
    `${volume}.ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set`, `${volume}.ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required`],
  [{ serviceAccountName: 'sa', ...withVolume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }, { configMap: { name: 'c', items: [{ key: 'k', path: 't' }] } }] } }) },
    `${volume}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes`],
  [withVolume({ projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }), `${volume}.projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set`],
  [withVolume({ image: {} }), `${volume}.image.reference: Required value`],
  [{ hostUsers: false, hostPID: true }, 'spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false'],
  [{ shareProcessNamespace: true, hostPID: true }, 'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled'],
  [{ hostNetwork: true, securityContext: { sysctls: [{ name: 'net/ipv4/tcp_rmem', value: '1' }] } }, `spec.securityContext.sysctls[0].name: Invalid value: "net/ipv4/tcp_rmem": may not be specified when 'hostNetwork' is true`],
  [{ os: { name: 'windows' }, securityContext: { runAsUser: 1 }, hostIPC: true }, 'spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod', 'spec.hostIPC: Forbidden: cannot be set for a windows pod'],
  [{ os: { name: 'linux' }, securityContext: { windowsOptions: { runAsUserName: 'a\\b\\c' } } },
    'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash', 'spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod'],
  [{ securityContext: { windowsOptions: { hostProcess: true } } }, 'spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers'],
  [{ dnsPolicy: 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  [{ dnsConfig: { searches: ['_a.b.', '.'], options: [{ value: 'x' }] } }, 'spec.dnsConfig.options[0]: Required value: must not be empty'],
  [{ hostname: 'A' }, `spec.hostname: Invalid value: "A": ${label}`],
  [{ tolerations: [{ key: 'k', operator: 'Exists', value: 'v' }, { key: 'k', operator: 'Gt', value: '07' }] },
    `spec.tolerations[0].operator: Invalid value: "v": value must be empty when \`operator\` is 'Exists'`, 'spec.tolerations[1].value: Invalid value: "07": must be a valid decimal integer in canonical form'],
  [{ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term'],
  [{ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', matchLabelKeys: ['k'] }] } } },
    'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set'],
  [{ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }, { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }] },
    'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero', 'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, DoNotSchedule}"'],
  [{ schedulingGates: [{ name: 'a/b' }, { name: 'a/b' }] }, 'spec.schedulingGates[1]: Duplicate value: "a/b"'],
  [{ resourceClaims: [{ name: 'c' }] }, 'spec.resourceClaims[0]: Invalid value: {"name":"c"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'],
  [{ resources: { requests: { cpu: '1' } }, containers: [{ ...base, resources: { requests: { cpu: '2' } } }] }, 'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
  [{ overhead: { what: '1' } }, 'spec.overhead.limits[what]: Invalid value: "what": must be a standard resource type or fully qualified', 'spec.overhead.limits[what]: Invalid value: "what": must be a standard resource for containers'],
  [{ imagePullSecrets: [{}] }],
];

test('what is refused in a pod, and how it is said', () => {
  for (const [spec, ...errors] of wrong) assert.deepEqual(errorsOf(Pod, podOf(spec)), errors, JSON.stringify(spec));
});

test('annotations of a pod say what the cluster understands, and the same as its fields', () => {
  const errors = (annotations: Fields, spec: Fields = {}): string[] => {
    const pod = podOf(spec, { annotations });
    return [...errorsOf(Pod, pod), ...[...(Pod.strategy.validateCreate?.(pod) ?? [])].map(describeFieldError)];
  };
  assert.deepEqual(errors({ 'kubernetes.io/config.mirror': 'x' }), ['metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set']);
  assert.deepEqual(errors({ 'controller.kubernetes.io/pod-deletion-cost': '+1' }), ['metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer']);
  assert.deepEqual(errors({ 'container.apparmor.security.beta.kubernetes.io/b': 'unconfined' }), ['metadata.annotations[container.apparmor.security.beta.kubernetes.io/b]: Invalid value: "b": container not found']);
  assert.deepEqual(errors({ 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }, { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }), [
    'spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match',
  ]);
});

test('older names of what a pod says are kept in step with newer ones', () => {
  const pod = created(Pod, { metadata: { name: 'web', annotations: { 'container.apparmor.security.beta.kubernetes.io/a': 'localhost/p' } }, spec: { containers: [base] } });
  assert.deepEqual(pod.spec.containers[0]?.securityContext, { appArmorProfile: { type: 'Localhost', localhostProfile: 'p' } });
  assert.deepEqual(warningsOf(Pod, pod), ['metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]: deprecated since v1.30; use the "appArmorProfile" field instead']);
  const addresses = (status: Fields): readonly unknown[] => {
    const { podIP, podIPs } = given(Pod, { metadata: { name: 'web' }, spec: { containers: [base] }, status }).status;
    return [podIP, ...(podIPs ?? []).map(({ ip }) => ip)];
  };
  assert.deepEqual(addresses({ podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.2' }] }), ['10.0.0.1', '10.0.0.1']);
  assert.deepEqual(addresses({ podIPs: [{ ip: '10.0.0.2' }, { ip: '::1' }] }), ['10.0.0.2', '10.0.0.2', '::1']);
});

test('what is behind gates that are off is dropped', () => {
  const bundle = { clusterTrustBundle: { name: 'b', path: 'p' } };
  const pod = created(Pod, { metadata: { name: 'web' }, spec: { containers: [base], schedulingGroup: {}, volumes: [{ name: 'v', projected: { sources: [bundle, { secret: { name: 's' } }] } }] } });
  assert.equal(pod.spec.schedulingGroup, undefined);
  assert.deepEqual(pod.spec.volumes?.[0]?.projected?.sources, [{}, { secret: { name: 's' } }]);
});

test('a gated pod may be kept to fewer nodes, not to more', () => {
  const gated = { schedulingGates: [{ name: 'g' }], nodeSelector: { a: '1' } };
  const change = (spec: Fields): string[] => {
    const old = podOf(gated);
    return updateErrorsOf(Pod, updated(Pod, old, { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [base], ...spec } }), old);
  };
  assert.deepEqual(change({ ...gated, nodeSelector: { a: '1', b: '2' } }), []);
  assert.deepEqual(change({ ...gated, nodeSelector: { a: '2' } }), ['spec.nodeSelector: Invalid value: {"a":"2"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)']);
  assert.deepEqual(change({ ...gated, schedulingGates: [{ name: 'h' }] }), ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'"]);
});

test('kubelets say only what can be', () => {
  const spec = { restartPolicy: 'Never' };
  const statusErrors = (status: object, before: object = {}): string[] => {
    const old = given(Pod, { metadata: { name: 'web' }, spec: { containers: [base], ...spec }, status: before }) as unknown as Pod;
    const next = given(Pod, { metadata: { name: 'web' }, spec: { containers: [base], ...spec }, status }) as unknown as Pod;
    return Pod.validateStatusUpdate.flatMap((rule) => [...(rule as (pod: Pod, old: Pod) => Iterable<Parameters<typeof describeFieldError>[0]>)(next, old)]).map(describeFieldError);
  };
  assert.deepEqual(statusErrors({ podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] }), ['status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family']);
  assert.deepEqual(statusErrors({ hostIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.2' }] }), ['status.hostIPs[0].ip: Invalid value: "10.0.0.2": must be equal to `hostIP`']);
  assert.deepEqual(statusErrors({ containerStatuses: [{ name: 'a', state: { running: {} } }] }, { containerStatuses: [{ name: 'a', state: { terminated: { exitCode: 0 } } }] }), [
    'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
  ]);
});

test('writers of pods are warned of what will not do what it seems to', () => {
  const table: readonly (readonly [Fields, Fields, ...string[]])[] = [
    [{}, { name: 'web.1' }, "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"],
    [{ nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }, {}, 'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    [withVolume({ gitRepo: { repository: 'r' } }), {}, 'spec.volumes[0].gitRepo: deprecated in v1.11'],
    [{ imagePullSecrets: [{ name: 's' }, { name: 's' }, {}] }, {}, 'spec.imagePullSecrets[1].name: duplicate name "s"', 'spec.imagePullSecrets[2].name: invalid empty name ""'],
    [withContainer({ resources: { requests: { memory: '100m' } } }), {}, 'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
    [withContainer({ env: [{ name: 'A', value: '1' }, { name: 'A', value: '$(A)2' }, { name: 'A', value: '3' }] }), {}, 'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'],
    [withContainer({ ports: [{ containerPort: 80 }, { containerPort: 80 }] }), {}, 'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]'],
    [{ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] }, {}, 'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod'],
    [{ terminationGracePeriodSeconds: -1 }, {}, 'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
    [{ hostAliases: [{ ip: '2001:DB8::1', hostnames: ['a'] }] }, {}, 'spec.hostAliases[0].ip: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'],
  ];
  for (const [spec, metadata, ...warnings] of table) assert.deepEqual(warningsOf(Pod, podOf(spec, metadata)), warnings, JSON.stringify(spec));
});
