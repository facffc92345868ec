/** The level `restricted`: hardened as far as is commonly known to be good. Source: Kubernetes documentation, "Pod Security Standards". */
import type { Volume } from '#api/core/volume.ts';
import { checkProcMount, seccompFieldsSince } from './baseline.ts';
import { containersOf, isWindows, named, offenders, quoted } from './containers.ts';
import type { Check, JudgedPod, MinorVersion } from './standard.ts';

/** From here on, pods for Windows need not set what means nothing there. */
const windowsSince = 25;
const volumeTypes = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']);

export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation', since: 8,
    run(pod, version) {
      if (isExempt(pod, version)) return undefined;
      const names = offenders(pod, (context) => context?.allowPrivilegeEscalation !== false);
      return names.length === 0 ? undefined : { reason: 'allowPrivilegeEscalation != false', detail: `${named('container', names)} must set securityContext.allowPrivilegeEscalation=false` };
    },
  },
  { id: 'capabilities_restricted', since: 22, replaces: ['capabilities_baseline'], run: checkCapabilities },
  { id: 'procMount_restricted', since: 35, replaces: ['procMount'], run: checkProcMount },
  {
    id: 'restrictedVolumes', since: 0, replaces: ['hostPathVolumes'],
    run({ spec }) {
      const bad = (spec.volumes ?? []).filter((volume) => !volumeTypes.has(typeOf(volume)));
      if (bad.length === 0) return undefined;
      const types = [...new Set(bad.map(typeOf))].toSorted();
      return { reason: 'restricted volume types', detail: `${named('volume', bad.map(({ name }) => name))} ${bad.length === 1 ? 'uses' : 'use'} restricted volume type${types.length === 1 ? '' : 's'} ${quoted(types)}` };
    },
  },
  { id: 'runAsNonRoot', since: 0, run: checkNonRoot },
  {
    id: 'runAsUser', since: 23,
    run(pod) {
      const isPodRoot = pod.spec.securityContext?.runAsUser === 0;
      const names = offenders(pod, (context) => context?.runAsUser === 0);
      const who = [...(isPodRoot ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])];
      return who.length === 0 ? undefined : { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` };
    },
  },
  { id: 'seccompProfile_restricted', since: seccompFieldsSince, replaces: ['seccompProfile_baseline'], run: checkSeccomp },
];

function isExempt(pod: JudgedPod, version: MinorVersion): boolean {
  return version >= windowsSince && isWindows(pod);
}

function typeOf(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
}

function checkCapabilities(pod: JudgedPod, version: MinorVersion): ReturnType<Check['run']> {
  if (isExempt(pod, version)) return undefined;
  const keeping = offenders(pod, (context) => context?.capabilities?.drop?.includes('ALL') !== true);
  const added = new Set<string>();
  const adding = offenders(pod, (context) => {
    const more = (context?.capabilities?.add ?? []).filter((each) => each !== 'NET_BIND_SERVICE');
    for (const each of more) added.add(each);
    return more.length > 0;
  });
  const parts = [
    ...(keeping.length > 0 ? [`${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${named('container', adding)} must not include ${quoted([...added].toSorted())} in securityContext.capabilities.add`] : []),
  ];
  return parts.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: parts.join('; ') };
}

function checkNonRoot(pod: JudgedPod): ReturnType<Check['run']> {
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const refusing = offenders(pod, (context) => context?.runAsNonRoot === false);
  if (refusing.length > 0 || ofPod === false) {
    // A pod that says no is not at fault where every container says yes.
    const isOverruled = refusing.length === 0 && containersOf(pod).every(({ securityContext }) => securityContext?.runAsNonRoot === true);
    if (!isOverruled) {
      const who = [...(ofPod === false ? ['pod'] : []), ...(refusing.length > 0 ? [named('container', refusing)] : [])];
      return { reason: 'runAsNonRoot != true', detail: `${who.join(' and ')} must not set securityContext.runAsNonRoot=false` };
    }
  }
  if (ofPod === true) return undefined;
  const silent = offenders(pod, (context) => context?.runAsNonRoot === undefined);
  return silent.length === 0 ? undefined : { reason: 'runAsNonRoot != true', detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` };
}

function checkSeccomp(pod: JudgedPod, version: MinorVersion): ReturnType<Check['run']> {
  if (isExempt(pod, version)) return undefined;
  const isGood = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';
  const ofPod = pod.spec.securityContext?.seccompProfile?.type;
  const isPodBad = ofPod !== undefined && !isGood(ofPod);
  const setting = offenders(pod, (context) => context?.seccompProfile !== undefined && !isGood(context.seccompProfile.type));
  if (isPodBad || setting.length > 0) {
    const who = [...(isPodBad ? ['pod'] : []), ...(setting.length > 0 ? [named('container', setting)] : [])];
    return { reason: 'seccompProfile', detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"` };
  }
  if (isGood(ofPod)) return undefined;
  const silent = offenders(pod, (context) => context?.seccompProfile === undefined);
  return silent.length === 0 ? undefined : { reason: 'seccompProfile', detail: `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
}
