/**
 * Rules on a pod's spec that its declaration does not say, for pods and for templates.
 *
 * Source: behaviour of the v1.36 API server; wording as its validation has it.
 */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { validateIpAddress } from '#apimachinery/ip.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import { dns1123Label, qualifiedName, rangeMessage, validateAnnotations, validateLabels } from '#apimachinery/names.ts';
import { labelSelectorFrom, matchesLabels, validateLabelSelector } from '#apimachinery/selector.ts';
import type { PodSecurityContext, PodSpec, PodTemplateSpec } from './pod-template.ts';
import { validateContainers } from './validate-container.ts';
import { nonNegative, validateResources } from './validate-resources.ts';
import { oneOfValues, validateAffinity, validateReference, validateSpread, validateTolerations } from './validate-scheduling.ts';
import { validateVolumes } from './validate-volume.ts';

const maxInt32 = 2 ** 31 - 1;

/** `path` is `spec` of a pod, `spec.template.spec` of a Deployment. */
export function* validatePodSpec(spec: PodSpec, path: string): Iterable<FieldError> {
  yield* validateVolumes(spec.volumes ?? [], `${path}.volumes`);
  yield* validateContainers(
    spec,
    {
      volumes: new Set((spec.volumes ?? []).map((volume) => volume.name)),
      hostNetwork: spec.hostNetwork === true,
      graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    },
    path,
  );
  if (spec.resources !== undefined) yield* validateResources(spec.resources, `${path}.resources`);
  yield* validateLabels(spec.nodeSelector ?? {}, `${path}.nodeSelector`);
  yield* validateHostSettings(spec, path);
  for (const [index, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if ((secret.name ?? '') === '') yield required(`${path}.imagePullSecrets[${index}].name`);
  }
  yield* validateAffinity(spec.affinity, `${path}.affinity`);
  yield* validateDns(spec, path);
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) {
    for (const message of qualifiedName(gate.conditionType)) yield invalidValue(`${path}.readinessGates[${index}].conditionType`, gate.conditionType, message);
  }
  yield* validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`);
  yield* validateGates(spec, path);
  yield* validateReference(spec.serviceAccountName, `${path}.serviceAccountName`);
  yield* validateReference(spec.nodeName, `${path}.nodeName`);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) yield invalidValue(`${path}.activeDeadlineSeconds`, deadline, rangeMessage(1, maxInt32));
  for (const key of ['hostname', 'subdomain'] as const) {
    const name = spec[key];
    if (name !== undefined) for (const message of dns1123Label(name)) yield invalidValue(`${path}.${key}`, name, message);
  }
  yield* validateTolerations(spec.tolerations ?? [], `${path}.tolerations`);
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    if (alias.ip !== '') yield* validateIpAddress(alias.ip, `${path}.hostAliases[${index}].ip`);
  }
  yield* validateReference(spec.priorityClassName, `${path}.priorityClassName`);
  yield* validateReference(spec.runtimeClassName, `${path}.runtimeClassName`);
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) yield* nonNegative(amount, `${path}.overhead[${name}]`);
  if (spec.os !== undefined && spec.os.name !== '') yield* oneOfValues(spec.os.name, ['linux', 'windows'], `${path}.os.name`);
}

function* validateHostSettings(spec: PodSpec, path: string): Iterable<FieldError> {
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    yield invalidValue(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  }
  if (spec.hostUsers === false) {
    for (const key of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
      if (spec[key] === true) yield forbiddenField(`${path}.${key}`, `when \`hostUsers\` is false`);
    }
  }
  if (spec.securityContext !== undefined) yield* validateSecurity(spec.securityContext, `${path}.securityContext`);
}

const sysctlForm = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;

function* validateSecurity(context: PodSecurityContext, path: string): Iterable<FieldError> {
  for (const key of ['runAsUser', 'runAsGroup', 'fsGroup'] as const) {
    const id = context[key];
    if (id !== undefined && (id < 0 || id > maxInt32)) yield invalidValue(`${path}.${key}`, id, rangeMessage(0, maxInt32));
  }
  for (const [index, id] of (context.supplementalGroups ?? []).entries()) {
    if (id < 0 || id > maxInt32) yield invalidValue(`${path}.supplementalGroups[${index}]`, id, rangeMessage(0, maxInt32));
  }
  const names = new Set<string>();
  for (const [index, sysctl] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${index}].name`;
    if (sysctl.name === '') continue;
    if (!sysctlForm.test(sysctl.name)) yield invalidValue(at, sysctl.name, `must have at most 253 characters and match regex ${sysctlForm.source}`);
    if (names.has(sysctl.name)) yield duplicate(at, sysctl.name);
    names.add(sysctl.name);
  }
}

function* validateDns(spec: PodSpec, path: string): Iterable<FieldError> {
  const servers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === 'None' && spec.dnsConfig === undefined) {
    yield required(`${path}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None');
  } else if (spec.dnsPolicy === 'None' && servers.length === 0) {
    yield required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
  }
  if (servers.length > 3) yield invalidValue(`${path}.dnsConfig.nameservers`, servers, 'must not have more than 3 nameservers');
  for (const [index, server] of servers.entries()) yield* validateIpAddress(server, `${path}.dnsConfig.nameservers[${index}]`);
}

function* validateGates(spec: PodSpec, path: string): Iterable<FieldError> {
  const gates = spec.schedulingGates ?? [];
  for (const [index, gate] of gates.entries()) {
    for (const message of qualifiedName(gate.name)) yield invalidValue(`${path}.schedulingGates[${index}]`, gate.name, message);
  }
}

/** A template, and that `selector` (when there is one) finds the pods made from it. */
export function* validateTemplate(template: PodTemplateSpec, path = 'spec.template'): Iterable<FieldError> {
  yield* validateLabels(template.metadata.labels ?? {}, `${path}.labels`);
  yield* validateAnnotations(template.metadata.annotations ?? {}, `${path}.annotations`);
  yield* validatePodSpec(template.spec, `${path}.spec`);
  if (template.spec.ephemeralContainers !== undefined) yield forbiddenField(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
}

interface WithTemplate {
  readonly spec: { readonly selector?: LabelSelector | undefined; readonly template: PodTemplateSpec };
}

/** Of workloads that keep pods running for ever: selector, template, and restart policy `Always`. */
export function* validateWorkload({ spec: { selector, template } }: WithTemplate): Iterable<FieldError> {
  yield* validateSelectorOf(selector, template, 'deployment');
  yield* validateTemplate(template);
  if (template.spec.restartPolicy !== undefined && template.spec.restartPolicy !== 'Always') {
    yield* oneOfValues(template.spec.restartPolicy, ['Always'], 'spec.template.spec.restartPolicy');
  }
  if (template.spec.activeDeadlineSeconds !== undefined) {
    yield forbiddenField('spec.template.spec.activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicaSet is not Supported');
  }
}

/** `owner` is what upstream calls the kind in its message (a ReplicaSet is a deployment there, too). */
export function* validateSelectorOf(selector: LabelSelector | undefined, template: PodTemplateSpec, owner: string): Iterable<FieldError> {
  // No selector finds nothing; the declaration says that there must be one.
  if (selector !== undefined) yield* validateLabelSelector('spec.selector', selector);
  if (selector !== undefined && isEmptySelector(selector)) {
    yield invalidValue('spec.selector', selector, `empty selector is invalid for ${owner}`);
    return;
  }
  const wellFormed = (selector?.matchExpressions ?? []).every(({ operator }) => ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator));
  if (wellFormed && !matchesLabels(labelSelectorFrom(selector), template.metadata.labels)) {
    yield invalidValue('spec.template.metadata.labels', template.metadata.labels ?? {}, '`selector` does not match template `labels`');
  }
}

function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}
