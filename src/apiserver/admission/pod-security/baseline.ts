/** The level `baseline`: known ways to more privileges are closed. Source: Kubernetes documentation, "Pod Security Standards". */
import type { SELinuxOptions } from '#api/core/container.ts';
import { containersOf, named, offenders, quoted } from './containers.ts';
import type { Check, JudgedPod, MinorVersion } from './standard.ts';

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
/** From here on, seccomp profiles are fields and not annotations. */
export const seccompFieldsSince = 19;

const capabilities = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']);

const sysctls: readonly { readonly since: MinorVersion; readonly names: readonly string[] }[] = [
  { since: 0, names: ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range'] },
  { since: 27, names: ['net.ipv4.ip_local_reserved_ports'] },
  { since: 29, names: ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'] },
  { since: 32, names: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'] },
];

export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', since: 0, run: checkAppArmor },
  {
    id: 'capabilities_baseline', since: 0,
    run(pod) {
      const added = new Set<string>();
      const names = offenders(pod, (context) => {
        const forbidden = (context?.capabilities?.add ?? []).filter((each) => !capabilities.has(each));
        for (const each of forbidden) added.add(each);
        return forbidden.length > 0;
      });
      return names.length === 0 ? undefined : { reason: 'non-default capabilities', detail: `${named('container', names)} must not include ${quoted([...added].toSorted())} in securityContext.capabilities.add` };
    },
  },
  {
    id: 'hostNamespaces', since: 0,
    run({ spec }) {
      const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => spec[key] === true);
      return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.map((key) => `${key}=true`).join(', ') };
    },
  },
  {
    id: 'hostPathVolumes', since: 0,
    run({ spec }) {
      const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
      return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', names) };
    },
  },
  {
    id: 'hostPorts', since: 0,
    run(pod) {
      const ports = new Set<string>();
      const names = offenders(pod, (_context, container) => {
        const used = (container.ports ?? []).filter(({ hostPort }) => hostPort !== undefined && hostPort !== 0);
        for (const { hostPort } of used) ports.add(String(hostPort));
        return used.length > 0;
      });
      if (names.length === 0) return undefined;
      return { reason: 'hostPort', detail: `${named('container', names)} ${names.length === 1 ? 'uses' : 'use'} ${ports.size === 1 ? 'hostPort' : 'hostPorts'} ${[...ports].join(', ')}` };
    },
  },
  { id: 'hostProbesAndHostLifecycle', since: 34, run: checkHosts },
  {
    id: 'privileged', since: 0,
    run(pod) {
      const names = offenders(pod, (context) => context?.privileged === true);
      return names.length === 0 ? undefined : { reason: 'privileged', detail: `${named('container', names)} must not set securityContext.privileged=true` };
    },
  },
  {
    id: 'procMount', since: 0,
    run(pod, version) {
      // In a user namespace of its own, what lies unmasked is the pod's own.
      return version >= 35 && pod.spec.hostUsers === false ? undefined : checkProcMount(pod);
    },
  },
  { id: 'seLinuxOptions', since: 0, run: checkSeLinux },
  { id: 'seccompProfile_baseline', since: 0, until: seccompFieldsSince - 1, run: checkSeccompAnnotations },
  { id: 'seccompProfile_baseline', since: seccompFieldsSince, run: checkSeccomp },
  {
    id: 'sysctls', since: 0,
    run({ spec }, version) {
      const allowed = new Set(sysctls.flatMap((each) => (version >= each.since ? each.names : [])));
      const forbidden = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name));
      return forbidden.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: forbidden.join(', ') };
    },
  },
  {
    id: 'windowsHostProcess', since: 0,
    run(pod) {
      const names = offenders(pod, (context) => context?.windowsOptions?.hostProcess === true);
      const parts = [...(pod.spec.securityContext?.windowsOptions?.hostProcess === true ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])];
      return parts.length === 0 ? undefined : { reason: 'hostProcess', detail: `${parts.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true` };
    },
  },
];

function checkAppArmor(pod: JudgedPod): ReturnType<Check['run']> {
  const bad = (type: string | undefined): boolean => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const parts: string[] = [];
  const isPodBad = bad(pod.spec.securityContext?.appArmorProfile?.type);
  const names = offenders(pod, (context) => bad(context?.appArmorProfile?.type));
  if (isPodBad) parts.push('pod must not set AppArmor profile type to "Unconfined"');
  if (names.length > 0) parts.push(`${named('container', names)} must not set AppArmor profile type to "Unconfined"`);
  const annotations = Object.entries(pod.annotations).filter(([key, value]) => key.startsWith(appArmorPrefix) && !(value === '' || value === 'runtime/default' || value.startsWith('localhost/')));
  if (annotations.length > 0) parts.push(`${annotations.length === 1 ? 'annotation' : 'annotations'} ${annotations.map(([key, value]) => JSON.stringify(`${key}=${value}`)).join(', ')}`);
  return parts.length === 0 ? undefined : { reason: annotations.length === 1 || parts.length === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles', detail: parts.join(', ') };
}

function checkHosts(pod: JudgedPod): ReturnType<Check['run']> {
  const hosts = new Set<string>();
  const names: string[] = [];
  for (const { name, livenessProbe, readinessProbe, startupProbe, lifecycle } of containersOf(pod)) {
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
    const used = handlers.flatMap((each) => [each?.httpGet?.host ?? '', each?.tcpSocket?.host ?? '']).filter((host) => host !== '');
    for (const host of used) hosts.add(host);
    if (used.length > 0) names.push(name);
  }
  return names.length === 0 ? undefined : { reason: 'probe or lifecycle host', detail: `${named('container', names)} ${names.length === 1 ? 'uses' : 'use'} probe or lifecycle ${hosts.size === 1 ? 'host' : 'hosts'} ${quoted(hosts)}` };
}

export function checkProcMount(pod: JudgedPod): ReturnType<Check['run']> {
  const types = new Set<string>();
  const names = offenders(pod, (context) => {
    const type = context?.procMount;
    if (type === undefined || type === 'Default') return false;
    types.add(type);
    return true;
  });
  return names.length === 0 ? undefined : { reason: 'procMount', detail: `${named('container', names)} must not set securityContext.procMount to ${quoted(types)}` };
}

function checkSeLinux(pod: JudgedPod, version: MinorVersion): ReturnType<Check['run']> {
  const allowed = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', ...(version >= 31 ? ['container_engine_t'] : [])]);
  const types = new Set<string>();
  let setsUser = false;
  let setsRole = false;
  const isBad = (options: SELinuxOptions | undefined): boolean => {
    if (options === undefined) return false;
    const { type = '', user = '', role = '' } = options;
    if (!allowed.has(type)) types.add(type);
    if (user !== '') setsUser = true;
    if (role !== '') setsRole = true;
    return !allowed.has(type) || user !== '' || role !== '';
  };
  const isPodBad = isBad(pod.spec.securityContext?.seLinuxOptions);
  const names = offenders(pod, (context) => isBad(context?.seLinuxOptions));
  if (!isPodBad && names.length === 0) return undefined;
  const who = [...(isPodBad ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])].join(' and ');
  const what = [
    ...(types.size > 0 ? [`type${types.size === 1 ? '' : 's'} ${quoted([...types].toSorted())}`] : []), ...(setsUser ? ['user may not be set'] : []), ...(setsRole ? ['role may not be set'] : []),
  ];
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
}

function checkSeccompAnnotations({ annotations }: JudgedPod): ReturnType<Check['run']> {
  const isAllowed = (value: string): boolean => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const forbidden = Object.entries(annotations).filter(([key, value]) => (key === seccompPodAnnotation || key.startsWith(seccompContainerPrefix)) && !isAllowed(value));
  if (forbidden.length === 0) return undefined;
  return { reason: 'seccompProfile', detail: `forbidden ${forbidden.length === 1 ? 'annotation' : 'annotations'} ${forbidden.map(([key, value]) => JSON.stringify(`${key}=${value}`)).join(', ')}` };
}

function checkSeccomp(pod: JudgedPod): ReturnType<Check['run']> {
  const isBad = (type: string | undefined): boolean => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const isPodBad = isBad(pod.spec.securityContext?.seccompProfile?.type);
  const names = offenders(pod, (context) => isBad(context?.seccompProfile?.type));
  const who = [...(isPodBad ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])];
  return who.length === 0 ? undefined : { reason: 'seccompProfile', detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"` };
}
