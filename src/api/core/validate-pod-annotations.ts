/** Annotations that say something to the cluster about a pod, and the fields that took their place. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { AppArmorProfile, SeccompProfile } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import { containersWithPaths } from './validate-container.ts';
import { staysInside } from './validate-paths.ts';

type Annotations = Readonly<Record<string, string>>;

/** On the image that a kubelet keeps in the cluster of a pod of its own. */
export const mirrorPod = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
export const seccompOfPod = 'seccomp.security.alpha.kubernetes.io/pod';
export const seccompOfContainer = 'container.seccomp.security.alpha.kubernetes.io/';
export const appArmorOfContainer = 'container.apparmor.security.beta.kubernetes.io/';
const ownProfile = 'localhost/';

/** Of a pod or of a template; `path` is of the annotations. */
export function* validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: string): Iterable<FieldError> {
  const mirror = annotations[mirrorPod];
  if (mirror !== undefined && (spec.nodeName ?? '') === '') yield invalidValue(`${path}[${mirrorPod}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set');
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) yield invalidValue(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer');
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompOfPod || key.startsWith(seccompOfContainer)) yield* validateSeccompText(value, `${path}.${key}`);
    if (!key.startsWith(appArmorOfContainer)) continue;
    const name = key.slice(appArmorOfContainer.length);
    const names = containersWithPaths(spec, '').map(([container]) => container.name);
    if (!names.includes(name)) yield invalidValue(`${path}[${key}]`, name, 'container not found');
    if (!['', 'runtime/default', 'unconfined'].includes(value) && !value.startsWith(ownProfile)) {
      yield invalidValue(`${path}[${key}]`, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`);
    }
  }
}

function isInt32(text: string): boolean {
  return /^(?:0|[1-9][0-9]*|-[0-9]+)$/.test(text) && Math.abs(Number(text) + 0.5) <= 2 ** 31;
}

function* validateSeccompText(text: string, path: string): Iterable<FieldError> {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(text)) return;
  if (text.startsWith(ownProfile)) yield* staysInside(text.slice(ownProfile.length), path);
  else yield invalidValue(path, text, 'must be a valid seccomp profile');
}

/** Whether there are any of the annotations that fields have replaced; nearly always there are none. */
export function speaksOfProfiles(annotations: Annotations): boolean {
  for (const key in annotations) if (key === seccompOfPod || key.startsWith(seccompOfContainer) || key.startsWith(appArmorOfContainer)) return true;
  return false;
}

/** Where both an annotation and its field are given, they say the same. */
export function* validateProfilesMatch(annotations: Annotations, spec: PodSpec, path: string): Iterable<FieldError> {
  if (!speaksOfProfiles(annotations)) return;
  yield* matchProfile(annotations[seccompOfPod], spec.securityContext?.seccompProfile, `${path}.securityContext.seccompProfile`, 'seccomp');
  for (const [{ name, securityContext }, at] of containersWithPaths(spec, path)) {
    yield* matchProfile(annotations[seccompOfContainer + name], securityContext?.seccompProfile, `${at}.securityContext.seccompProfile`, 'seccomp');
    if (spec.os?.name === 'windows') continue;
    const profile = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    yield* matchProfile(annotations[appArmorOfContainer + name], profile, `${at}.securityContext.appArmorProfile`, 'apparmor');
  }
}

function* matchProfile(text: string | undefined, profile: SeccompProfile | AppArmorProfile | undefined, path: string, what: string): Iterable<FieldError> {
  if (text === undefined || profile === undefined) return;
  const isSame = {
    Localhost: text.startsWith(ownProfile),
    RuntimeDefault: text === 'runtime/default' || (what === 'seccomp' && text === 'docker/default'),
    Unconfined: text === 'unconfined',
  }[profile.type];
  if (!isSame) yield forbiddenField(`${path}.type`, `${what} type in annotation and field must match`);
  else if (profile.type === 'Localhost' && text.slice(ownProfile.length) !== profile.localhostProfile) {
    yield forbiddenField(`${path}.localhostProfile`, `${what} profile in annotation and field must match`);
  }
}

/** Clients that still write the annotation get the field that the kubelet reads. */
export function heedAppArmor(annotations: Annotations, spec: Draft<PodSpec>): void {
  if (spec.os?.name === 'windows') return;
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const profile = appArmorOf(annotations[appArmorOfContainer + container.name]);
    if (profile === undefined || container.securityContext?.appArmorProfile !== undefined) continue;
    if (!saysTheSame(profile, spec.securityContext?.appArmorProfile)) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  }
}

function appArmorOf(text: string | undefined): AppArmorProfile | undefined {
  if (text === 'unconfined') return { type: 'Unconfined' };
  if (text === 'runtime/default') return { type: 'RuntimeDefault' };
  const localhostProfile = text?.startsWith(ownProfile) === true ? text.slice(ownProfile.length) : '';
  const isValid = localhostProfile !== '' && localhostProfile.trim() === localhostProfile;
  return isValid ? { type: 'Localhost', localhostProfile } : undefined;
}

/** What a running pod was told about AppArmor, and whose image it is, stays. */
export function* validatePodAnnotationUpdate(annotations: Annotations, old: Annotations, path: string): Iterable<FieldError> {
  for (const [key, value] of Object.entries(old)) {
    if (annotations[key] === value) continue;
    if (key.startsWith(appArmorOfContainer)) yield forbiddenField(`${path}[${key}]`, 'may not remove or update AppArmor annotations');
    if (key === mirrorPod) yield forbiddenField(`${path}[${key}]`, 'may not remove or update mirror pod annotation');
  }
  for (const key of Object.keys(annotations)) {
    if (old[key] !== undefined) continue;
    if (key.startsWith(appArmorOfContainer)) yield forbiddenField(`${path}[${key}]`, 'may not add AppArmor annotations');
    if (key === mirrorPod) yield forbiddenField(`${path}[${key}]`, 'may not add mirror pod annotation');
  }
}
