import { formatLabels, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, map, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import { AppArmorProfile, Container, EphemeralContainer, ResourceRequirements, SELinuxOptions, SeccompProfile, WindowsSecurityContextOptions } from './container.ts';
import { LocalObjectReference } from './references.ts';
import { Affinity, Toleration, TopologySpreadConstraint } from './scheduling.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { warnOfTemplate } from './pod-warnings.ts';
import { containerImages, containerNames } from './template-columns.ts';
import { validateTemplate } from './validate-template.ts';
import { Volume } from './volume.ts';

export const Sysctl = struct('io.k8s.api.core.v1.Sysctl', {
  name: string(1, { required: true }),
  value: string(2, { required: true, mayBeEmpty: true }),
});
export interface Sysctl extends Infer<typeof Sysctl> {}

export const PodSecurityContext = struct('io.k8s.api.core.v1.PodSecurityContext', {
  seLinuxOptions: pointer(1, SELinuxOptions),
  windowsOptions: pointer(8, WindowsSecurityContextOptions),
  runAsUser: int64(2, { pointer: true }),
  runAsGroup: int64(6, { pointer: true }),
  runAsNonRoot: bool(3, { pointer: true }),
  supplementalGroups: list(4, 'int64', { listType: 'atomic' }),
  supplementalGroupsPolicy: oneOf(12, ['Merge', 'Strict'], { pointer: true }),
  fsGroup: int64(5, { pointer: true }),
  sysctls: list(7, Sysctl, { listType: 'atomic' }),
  fsGroupChangePolicy: oneOf(9, ['Always', 'OnRootMismatch'], { pointer: true }),
  seccompProfile: pointer(10, SeccompProfile),
  appArmorProfile: pointer(11, AppArmorProfile),
  seLinuxChangePolicy: string(13, { pointer: true }),
});
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const HostAlias = struct('io.k8s.api.core.v1.HostAlias', {
  ip: string(1, { required: true }),
  hostnames: list(2, 'string', { listType: 'atomic' }),
});
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodDNSConfigOption = struct('io.k8s.api.core.v1.PodDNSConfigOption', {
  name: string(1),
  value: string(2, { pointer: true }),
});
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = struct('io.k8s.api.core.v1.PodDNSConfig', {
  nameservers: list(1, 'string', { listType: 'atomic' }),
  searches: list(2, 'string', { listType: 'atomic' }),
  options: list(3, PodDNSConfigOption, { listType: 'atomic' }),
});
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodReadinessGate = struct('io.k8s.api.core.v1.PodReadinessGate', {
  conditionType: string(1, { required: true }),
});
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodOS = struct('io.k8s.api.core.v1.PodOS', {
  name: string(1, { required: true }),
});
export interface PodOS extends Infer<typeof PodOS> {}

export const PodSchedulingGate = struct('io.k8s.api.core.v1.PodSchedulingGate', {
  name: string(1, { required: true }),
});
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodResourceClaim = struct('io.k8s.api.core.v1.PodResourceClaim', {
  name: string(1, { required: true }),
  resourceClaimName: string(3, { pointer: true }),
  resourceClaimTemplateName: string(4, { pointer: true }),
});
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGroup = struct('io.k8s.api.core.v1.PodSchedulingGroup', {
  podGroupName: string(1, { pointer: true }),
}, { union: { of: ['podGroupName'] } });
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const PodSpec = struct('io.k8s.api.core.v1.PodSpec', {
  volumes: list(1, Volume, { listType: 'map', keys: ['name'], patch: 'merge,retainKeys', mergeKey: 'name' }),
  initContainers: list(20, Container, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  containers: list(2, Container, { required: true, listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  ephemeralContainers: list(34, EphemeralContainer, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  restartPolicy: oneOf(3, ['Always', 'OnFailure', 'Never'], { default: 'Always' }),
  terminationGracePeriodSeconds: int64(4, { pointer: true, default: 30 }),
  activeDeadlineSeconds: int64(5, { pointer: true }),
  dnsPolicy: oneOf(6, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], { default: 'ClusterFirst' }),
  nodeSelector: map(7, 'string', { atomic: true }),
  serviceAccountName: string(8),
  serviceAccount: string(9),
  automountServiceAccountToken: bool(21, { pointer: true }),
  nodeName: string(10),
  hostNetwork: bool(11),
  hostPID: bool(12),
  hostIPC: bool(13),
  shareProcessNamespace: bool(27, { pointer: true }),
  securityContext: pointer(14, PodSecurityContext, { default: {} }),
  imagePullSecrets: list(15, LocalObjectReference, { listType: 'map', keys: ['name'], mayRepeat: true, patch: 'merge', mergeKey: 'name' }),
  hostname: string(16),
  subdomain: string(17),
  affinity: pointer(18, Affinity),
  schedulerName: string(19, { default: 'default-scheduler' }),
  tolerations: list(22, Toleration, { listType: 'atomic' }),
  hostAliases: list(23, HostAlias, { listType: 'map', keys: ['ip'], mayRepeat: true, patch: 'merge', mergeKey: 'ip' }),
  priorityClassName: string(24),
  priority: int32(25, { pointer: true }),
  dnsConfig: pointer(26, PodDNSConfig),
  readinessGates: list(28, PodReadinessGate, { listType: 'atomic' }),
  runtimeClassName: string(29, { pointer: true }),
  enableServiceLinks: bool(30, { pointer: true }),
  preemptionPolicy: oneOf(31, ['PreemptLowerPriority', 'Never'], { pointer: true }),
  overhead: map(32, 'quantity'),
  topologySpreadConstraints: list(33, TopologySpreadConstraint, { listType: 'map', keys: ['topologyKey', 'whenUnsatisfiable'], patch: 'merge', mergeKey: 'topologyKey' }),
  setHostnameAsFQDN: bool(35, { pointer: true }),
  os: pointer(36, PodOS),
  hostUsers: bool(37, { pointer: true }),
  schedulingGates: list(38, PodSchedulingGate, { listType: 'map', keys: ['name'], mayRepeat: true, patch: 'merge', mergeKey: 'name' }),
  resourceClaims: list(39, PodResourceClaim, { listType: 'map', keys: ['name'], patch: 'merge,retainKeys', mergeKey: 'name' }),
  resources: pointer(40, ResourceRequirements),
  hostnameOverride: string(41, { pointer: true }),
  schedulingGroup: pointer(43, PodSchedulingGroup, { gated: true }),
});
export interface PodSpec extends Infer<typeof PodSpec> {}

export const PodTemplateSpec = struct('io.k8s.api.core.v1.PodTemplateSpec', {
  metadata: object(1, TemplateMeta),
  spec: object(2, PodSpec),
});
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}

interface Templated {
  readonly template: PodTemplateSpec;
}

export const PodTemplate = defineResource({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  scope: 'Namespaced',
  fields: {
    template: object(2, PodTemplateSpec),
  },
  strategy: {
    generationFrom: ['template'],
    generation: true,
    *warnings({ template }, old) {
      if (old === undefined || !saysTheSame(template, old.template)) yield* warnOfTemplate(template, 'template');
    },
  },
  defaults: ({ template }) => defaultPodSpec(template.spec),
  validate: [({ template }) => validateTemplate(template, 'template')],
  columns: [
    nameColumn,
    column<Templated>('Containers', ({ template }) => containerNames(template)),
    column<Templated>('Images', ({ template }) => containerImages(template)),
    column<Templated>('Pod Labels', ({ template }) => formatLabels(template.metadata.labels)),
  ],
});
export interface PodTemplate extends Infer<typeof PodTemplate> {}
