import type { Infer } from '#apimachinery/schema.ts';
import { bool, inline, int32, int64, intOrString, list, map, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { LocalObjectReference, ObjectFieldSelector, ResourceFieldSelector } from './references.ts';

export const ContainerPort = struct('io.k8s.api.core.v1.ContainerPort', {
  name: string(1),
  hostPort: int32(2),
  containerPort: int32(3, { required: true }),
  protocol: oneOf(4, ['SCTP', 'TCP', 'UDP'], { default: 'TCP', published: true }),
  hostIP: string(5),
});
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ConfigMapEnvSource = struct('io.k8s.api.core.v1.ConfigMapEnvSource', {
  optional: bool(2, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)] });
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const SecretEnvSource = struct('io.k8s.api.core.v1.SecretEnvSource', {
  optional: bool(2, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)] });
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = struct('io.k8s.api.core.v1.EnvFromSource', {
  prefix: string(1),
  configMapRef: pointer(2, ConfigMapEnvSource),
  secretRef: pointer(3, SecretEnvSource),
});
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const ConfigMapKeySelector = struct('io.k8s.api.core.v1.ConfigMapKeySelector', {
  key: string(2, { required: true }),
  optional: bool(3, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)], atomic: true });
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const SecretKeySelector = struct('io.k8s.api.core.v1.SecretKeySelector', {
  key: string(2, { required: true }),
  optional: bool(3, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)], atomic: true });
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const FileKeySelector = struct('io.k8s.api.core.v1.FileKeySelector', {
  volumeName: string(1, { required: true }),
  path: string(2, { required: true }),
  key: string(3, { required: true }),
  optional: bool(4, { pointer: true, default: false, published: true }),
}, { atomic: true });
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const EnvVarSource = struct('io.k8s.api.core.v1.EnvVarSource', {
  fieldRef: pointer(1, ObjectFieldSelector),
  resourceFieldRef: pointer(2, ResourceFieldSelector),
  configMapKeyRef: pointer(3, ConfigMapKeySelector),
  secretKeyRef: pointer(4, SecretKeySelector),
  fileKeyRef: pointer(5, FileKeySelector),
});
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = struct('io.k8s.api.core.v1.EnvVar', {
  name: string(1, { required: true }),
  value: string(2),
  valueFrom: pointer(3, EnvVarSource),
});
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ResourceClaim = struct('io.k8s.api.core.v1.ResourceClaim', {
  name: string(1, { required: true }),
  request: string(2),
});
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = struct('io.k8s.api.core.v1.ResourceRequirements', {
  limits: map(1, 'quantity'),
  requests: map(2, 'quantity'),
  claims: list(3, ResourceClaim, { listType: 'map', keys: ['name'], mayRepeat: true }),
});
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const ContainerResizePolicy = struct('io.k8s.api.core.v1.ContainerResizePolicy', {
  resourceName: string(1, { required: true }),
  restartPolicy: string(2, { required: true }),
});
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ContainerRestartRuleOnExitCodes = struct('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', {
  operator: string(1, { required: true, omitEmpty: true }),
  values: list(2, 'int32', { listType: 'set' }),
});
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = struct('io.k8s.api.core.v1.ContainerRestartRule', {
  action: string(1, { required: true, omitEmpty: true }),
  exitCodes: pointer(2, ContainerRestartRuleOnExitCodes),
});
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const VolumeMount = struct('io.k8s.api.core.v1.VolumeMount', {
  name: string(1, { required: true }),
  readOnly: bool(2),
  recursiveReadOnly: string(7, { pointer: true }),
  mountPath: string(3, { required: true }),
  subPath: string(4),
  mountPropagation: oneOf(5, ['Bidirectional', 'HostToContainer', 'None'], { pointer: true }),
  subPathExpr: string(6),
});
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const VolumeDevice = struct('io.k8s.api.core.v1.VolumeDevice', {
  name: string(1, { required: true }),
  devicePath: string(2, { required: true }),
});
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const ExecAction = struct('io.k8s.api.core.v1.ExecAction', {
  command: list(1, 'string', { listType: 'atomic' }),
});
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = struct('io.k8s.api.core.v1.HTTPHeader', {
  name: string(1, { required: true }),
  value: string(2, { required: true, mayBeEmpty: true }),
});
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = struct('io.k8s.api.core.v1.HTTPGetAction', {
  path: string(1, { default: '/' }),
  port: intOrString(2, { required: true }),
  host: string(3),
  scheme: oneOf(4, ['HTTP', 'HTTPS'], { default: 'HTTP' }),
  httpHeaders: list(5, HTTPHeader, { listType: 'atomic' }),
});
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const TCPSocketAction = struct('io.k8s.api.core.v1.TCPSocketAction', {
  port: intOrString(1, { required: true }),
  host: string(2),
});
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const GRPCAction = struct('io.k8s.api.core.v1.GRPCAction', {
  port: int32(1, { required: true }),
  service: string(2, { always: true, pointer: true, default: '', published: true }),
});
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const ProbeHandler = struct('io.k8s.api.core.v1.ProbeHandler', {
  exec: pointer(1, ExecAction),
  httpGet: pointer(2, HTTPGetAction),
  tcpSocket: pointer(3, TCPSocketAction),
  grpc: pointer(4, GRPCAction),
});
export interface ProbeHandler extends Infer<typeof ProbeHandler> {}

export const Probe = struct('io.k8s.api.core.v1.Probe', {
  initialDelaySeconds: int32(2, { min: 0 }),
  timeoutSeconds: int32(3, { default: 1, min: 0 }),
  periodSeconds: int32(4, { default: 10, min: 0 }),
  successThreshold: int32(5, { default: 1, min: 0 }),
  failureThreshold: int32(6, { default: 3, min: 0 }),
  terminationGracePeriodSeconds: int64(7, { pointer: true }),
}, { inlines: [inline(1, ProbeHandler)] });
export interface Probe extends Infer<typeof Probe> {}

export const SleepAction = struct('io.k8s.api.core.v1.SleepAction', {
  seconds: int64(1, { required: true }),
});
export interface SleepAction extends Infer<typeof SleepAction> {}

export const LifecycleHandler = struct('io.k8s.api.core.v1.LifecycleHandler', {
  exec: pointer(1, ExecAction),
  httpGet: pointer(2, HTTPGetAction),
  tcpSocket: pointer(3, TCPSocketAction),
  sleep: pointer(4, SleepAction),
});
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = struct('io.k8s.api.core.v1.Lifecycle', {
  postStart: pointer(1, LifecycleHandler),
  preStop: pointer(2, LifecycleHandler),
  stopSignal: oneOf(3, ['SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO', 'SIGIOT', 'SIGKILL', 'SIGPIPE', 'SIGPOLL', 'SIGPROF', 'SIGPWR', 'SIGQUIT', 'SIGRTMAX', 'SIGRTMAX-1', 'SIGRTMAX-10', 'SIGRTMAX-11', 'SIGRTMAX-12', 'SIGRTMAX-13', 'SIGRTMAX-14', 'SIGRTMAX-2', 'SIGRTMAX-3', 'SIGRTMAX-4', 'SIGRTMAX-5', 'SIGRTMAX-6', 'SIGRTMAX-7', 'SIGRTMAX-8', 'SIGRTMAX-9', 'SIGRTMIN', 'SIGRTMIN+1', 'SIGRTMIN+10', 'SIGRTMIN+11', 'SIGRTMIN+12', 'SIGRTMIN+13', 'SIGRTMIN+14', 'SIGRTMIN+15', 'SIGRTMIN+2', 'SIGRTMIN+3', 'SIGRTMIN+4', 'SIGRTMIN+5', 'SIGRTMIN+6', 'SIGRTMIN+7', 'SIGRTMIN+8', 'SIGRTMIN+9', 'SIGSEGV', 'SIGSTKFLT', 'SIGSTOP', 'SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM', 'SIGWINCH', 'SIGXCPU', 'SIGXFSZ'], { pointer: true }),
});
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const Capabilities = struct('io.k8s.api.core.v1.Capabilities', {
  add: list(1, 'string', { listType: 'atomic' }),
  drop: list(2, 'string', { listType: 'atomic' }),
});
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = struct('io.k8s.api.core.v1.SELinuxOptions', {
  user: string(1),
  role: string(2),
  type: string(3),
  level: string(4),
});
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const WindowsSecurityContextOptions = struct('io.k8s.api.core.v1.WindowsSecurityContextOptions', {
  gmsaCredentialSpecName: string(1, { pointer: true }),
  gmsaCredentialSpec: string(2, { pointer: true }),
  runAsUserName: string(3, { pointer: true }),
  hostProcess: bool(4, { pointer: true }),
});
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const SeccompProfile = struct('io.k8s.api.core.v1.SeccompProfile', {
  type: oneOf(1, ['Localhost', 'RuntimeDefault', 'Unconfined'], { required: true }),
  localhostProfile: string(2, { pointer: true }),
}, { union: { discriminator: 'type', of: ['localhostProfile'] } });
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const AppArmorProfile = struct('io.k8s.api.core.v1.AppArmorProfile', {
  type: oneOf(1, ['Localhost', 'RuntimeDefault', 'Unconfined'], { required: true }),
  localhostProfile: string(2, { pointer: true }),
}, { union: { discriminator: 'type', of: ['localhostProfile'] } });
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const SecurityContext = struct('io.k8s.api.core.v1.SecurityContext', {
  capabilities: pointer(1, Capabilities),
  privileged: bool(2, { pointer: true }),
  seLinuxOptions: pointer(3, SELinuxOptions),
  windowsOptions: pointer(10, WindowsSecurityContextOptions),
  runAsUser: int64(4, { pointer: true }),
  runAsGroup: int64(8, { pointer: true }),
  runAsNonRoot: bool(5, { pointer: true }),
  readOnlyRootFilesystem: bool(6, { pointer: true }),
  allowPrivilegeEscalation: bool(7, { pointer: true }),
  procMount: oneOf(9, ['Default', 'Unmasked'], { pointer: true }),
  seccompProfile: pointer(11, SeccompProfile),
  appArmorProfile: pointer(12, AppArmorProfile),
});
export interface SecurityContext extends Infer<typeof SecurityContext> {}

export const Container = struct('io.k8s.api.core.v1.Container', {
  name: string(1, { required: true }),
  image: string(2),
  command: list(3, 'string', { listType: 'atomic' }),
  args: list(4, 'string', { listType: 'atomic' }),
  workingDir: string(5),
  ports: list(6, ContainerPort, { listType: 'map', keys: ['containerPort', 'protocol'], patch: 'merge', mergeKey: 'containerPort' }),
  envFrom: list(19, EnvFromSource, { listType: 'atomic' }),
  env: list(7, EnvVar, { listType: 'map', keys: ['name'], mayRepeat: true, patch: 'merge', mergeKey: 'name' }),
  resources: object(8, ResourceRequirements),
  resizePolicy: list(23, ContainerResizePolicy, { listType: 'atomic' }),
  restartPolicy: string(24, { pointer: true }),
  restartPolicyRules: list(25, ContainerRestartRule, { listType: 'atomic' }),
  volumeMounts: list(9, VolumeMount, { listType: 'map', keys: ['mountPath'], mayRepeat: true, patch: 'merge', mergeKey: 'mountPath' }),
  volumeDevices: list(21, VolumeDevice, { listType: 'map', keys: ['devicePath'], mayRepeat: true, patch: 'merge', mergeKey: 'devicePath' }),
  livenessProbe: pointer(10, Probe),
  readinessProbe: pointer(11, Probe),
  startupProbe: pointer(22, Probe),
  lifecycle: pointer(12, Lifecycle),
  terminationMessagePath: string(13, { default: '/dev/termination-log' }),
  terminationMessagePolicy: oneOf(20, ['File', 'FallbackToLogsOnError'], { default: 'File' }),
  imagePullPolicy: oneOf(14, ['Always', 'IfNotPresent', 'Never']),
  securityContext: pointer(15, SecurityContext),
  stdin: bool(16),
  stdinOnce: bool(17),
  tty: bool(18),
});
export interface Container extends Infer<typeof Container> {}

export const EphemeralContainerCommon = struct('io.k8s.api.core.v1.EphemeralContainerCommon', {
  name: string(1, { required: true }),
  image: string(2),
  command: list(3, 'string', { listType: 'atomic' }),
  args: list(4, 'string', { listType: 'atomic' }),
  workingDir: string(5),
  ports: list(6, ContainerPort, { listType: 'map', keys: ['containerPort', 'protocol'], patch: 'merge', mergeKey: 'containerPort' }),
  envFrom: list(19, EnvFromSource, { listType: 'atomic' }),
  env: list(7, EnvVar, { listType: 'map', keys: ['name'], mayRepeat: true, patch: 'merge', mergeKey: 'name' }),
  resources: object(8, ResourceRequirements),
  resizePolicy: list(23, ContainerResizePolicy, { listType: 'atomic' }),
  restartPolicy: string(24, { pointer: true }),
  restartPolicyRules: list(25, ContainerRestartRule, { listType: 'atomic' }),
  volumeMounts: list(9, VolumeMount, { listType: 'map', keys: ['mountPath'], mayRepeat: true, patch: 'merge', mergeKey: 'mountPath' }),
  volumeDevices: list(21, VolumeDevice, { listType: 'map', keys: ['devicePath'], mayRepeat: true, patch: 'merge', mergeKey: 'devicePath' }),
  livenessProbe: pointer(10, Probe),
  readinessProbe: pointer(11, Probe),
  startupProbe: pointer(22, Probe),
  lifecycle: pointer(12, Lifecycle),
  terminationMessagePath: string(13, { default: '/dev/termination-log' }),
  terminationMessagePolicy: oneOf(20, ['File', 'FallbackToLogsOnError'], { default: 'File' }),
  imagePullPolicy: oneOf(14, ['Always', 'IfNotPresent', 'Never']),
  securityContext: pointer(15, SecurityContext),
  stdin: bool(16),
  stdinOnce: bool(17),
  tty: bool(18),
});
export interface EphemeralContainerCommon extends Infer<typeof EphemeralContainerCommon> {}

export const EphemeralContainer = struct('io.k8s.api.core.v1.EphemeralContainer', {
  targetContainerName: string(2),
}, { inlines: [inline(1, EphemeralContainerCommon)] });
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
