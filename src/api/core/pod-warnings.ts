/** What writers of pods and templates are told beside the answer. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { ipWarnings } from '#apimachinery/ip.ts';
import { dns1123Label } from '#apimachinery/names.ts';
import type { TemplateMeta } from '#apimachinery/object-meta.ts';
import { warnOfContainer, warnOfFraction, warnOfPorts } from './container-warnings.ts';
import { warnOfNodeLabel, warnOfNodeLabels, warnOfSelector, warnOfTerm } from './node-label-warnings.ts';
import type { PodSpec, PodTemplateSpec } from './pod-template.ts';
import type { ContainersWithPaths } from './validate-container.ts';
import { containersWithPaths } from './validate-container.ts';
import { appArmorOfContainer, seccompOfContainer, seccompOfPod, speaksOfProfiles } from './validate-pod-annotations.ts';
import { warnOfVolumes } from './volume-warnings.ts';

interface Described {
  readonly metadata: TemplateMeta;
  readonly spec: PodSpec;
}

/** Only of new pods: of others next to nothing can be changed. */
export function* podWarnings(pod: Described, old: Described | undefined): Iterable<string> {
  if (old !== undefined) return;
  yield* warnOfName(pod.metadata.name, "the Pod's hostname");
  yield* warnOfPod(pod, '');
}

function* warnOfName(name: string | undefined, use: string): Iterable<string> {
  const wrong = dns1123Label(name ?? '');
  if (wrong.length > 0) yield `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`;
}

/** Of an object whose name begins the names of its pods. */
export function warnOfOwnerName({ metadata }: { readonly metadata: TemplateMeta }): Iterable<string> {
  return warnOfName(metadata.name, 'Pod names and hostnames');
}

interface Templated {
  readonly metadata: TemplateMeta;
  readonly spec: { readonly template?: PodTemplateSpec | undefined };
}

/** Of a workload: its name and its template when it is new, its template when its spec has changed. */
export function* workloadWarnings(workload: Templated, old: Templated | undefined): Iterable<string> {
  if (old === undefined) yield* warnOfOwnerName(workload);
  yield* templateWarnings(workload, old);
}

export function* templateWarnings({ spec }: Templated, old: Templated | undefined): Iterable<string> {
  if (spec.template !== undefined && (old === undefined || !saysTheSame(spec, old.spec))) yield* warnOfTemplate(spec.template, 'spec.template');
}

export function warnOfTemplate(template: PodTemplateSpec, path: string): Iterable<string> {
  return warnOfPod(template, `${path}.`);
}

const oldAnnotations = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

function* warnOfPod({ metadata, spec }: Described, prefix: string): Iterable<string> {
  const path = `${prefix}spec`;
  yield* warnOfPlacement(spec, path);
  const annotations = metadata.annotations ?? {};
  for (const [key, message] of Object.entries(oldAnnotations)) if (annotations[key] !== undefined) yield `${prefix}metadata.annotations[${key}]: ${message}`;
  yield* warnOfVolumes(spec.volumes ?? [], `${path}.volumes`);
  yield* warnOfRepeats((spec.hostAliases ?? []).map((alias) => alias.ip), (index) => `${path}.hostAliases[${index}].ip: duplicate ip`);
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) yield* ipWarnings(ip, `${path}.hostAliases[${index}].ip`);
  for (const [index, ip] of (spec.dnsConfig?.nameservers ?? []).entries()) yield* ipWarnings(ip, `${path}.dnsConfig.nameservers[${index}]`);
  const secrets = (spec.imagePullSecrets ?? []).map((secret) => secret.name ?? '');
  yield* warnOfRepeats(secrets, (index) => `${path}.imagePullSecrets[${index}].name: duplicate name`);
  for (const [index, name] of secrets.entries()) if (name === '') yield `${path}.imagePullSecrets[${index}].name: invalid empty name ""`;
  for (const name of ['memory', 'ephemeral-storage']) yield* warnOfFraction(spec.overhead?.[name], `${path}.overhead[${name}]`);
  const containers = containersWithPaths(spec, path);
  if (speaksOfProfiles(annotations)) yield* warnOfProfiles(annotations, spec, containers, prefix);
  for (const [container, at] of containers) yield* warnOfContainer(container, at);
  yield* warnOfPorts(containers);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) yield `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`;
  yield* warnOfEmptySelectors(spec, path);
}

function* warnOfRepeats(values: readonly string[], what: (index: number) => string): Iterable<string> {
  for (const [index, value] of values.entries()) if (values.indexOf(value) < index) yield `${what(index)} ${JSON.stringify(value)}`;
}

function* warnOfPlacement(spec: PodSpec, path: string): Iterable<string> {
  yield* warnOfNodeLabels(spec.nodeSelector, (label) => `${path}.nodeSelector[${label}]`);
  const node = spec.affinity?.nodeAffinity;
  yield* warnOfSelector(node?.requiredDuringSchedulingIgnoredDuringExecution, `${path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`);
  for (const [index, { preference }] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    yield* warnOfTerm(preference, `${path}.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`, true);
  }
  for (const [index, { labelSelector, topologyKey }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = `${path}.topologySpreadConstraints[${index}]`;
    yield* warnOfNodeLabel(topologyKey, `${at}.topologyKey`);
    if (labelSelector === undefined) yield `${at}.labelSelector: ${nullSelector}`;
  }
}

const nullSelector = 'a null labelSelector results in matching no pod';

function* warnOfEmptySelectors({ affinity }: PodSpec, path: string): Iterable<string> {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const at = `${path}.affinity.${kind}`;
    for (const [index, term] of (affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (term.labelSelector === undefined) yield `${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}].labelSelector: ${nullSelector}`;
    }
    for (const [index, { podAffinityTerm }] of (affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (podAffinityTerm.labelSelector === undefined) yield `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm.labelSelector: ${nullSelector}`;
    }
  }
}

/** Annotations that fields have replaced count only where the field is not given, too. */
function* warnOfProfiles(annotations: Readonly<Record<string, string>>, spec: PodSpec, containers: ContainersWithPaths, prefix: string): Iterable<string> {
  const seccomp = (key: string): string => `${prefix}metadata.annotations[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`;
  if (spec.securityContext?.seccompProfile === undefined && annotations[seccompOfPod] !== undefined) yield seccomp(seccompOfPod);
  for (const [{ name, securityContext }] of containers) {
    const key = seccompOfContainer + name;
    if (securityContext?.seccompProfile === undefined && annotations[key] !== undefined) yield seccomp(key);
    const appArmor = appArmorOfContainer + name;
    // Of a pod the annotation has become the field by now.
    const isSaid = (prefix === '' ? undefined : securityContext?.appArmorProfile) ?? spec.securityContext?.appArmorProfile;
    if (isSaid === undefined && annotations[appArmor] !== undefined) yield `${prefix}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`;
  }
}
