/**
 * Namespaces say by labels how safe their pods must be; pods that are not are refused, warned of or noted.
 * Source: Kubernetes documentation, "Pod Security Admission"; texts as the admission plugin has them.
 */
import { DaemonSet } from '#api/apps/daemon-set.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import { CronJob } from '#api/batch/cron-job.ts';
import { Job } from '#api/batch/job.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';
import { PodTemplate } from '#api/core/pod-template.ts';
import { Pod } from '#api/core/pod.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { forbidden, invalid } from '#apimachinery/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { PodSecuritySettings } from '../pod-security/settings.ts';
import { exemptionOf, nothingSet } from '../pod-security/settings.ts';
import type { LevelVersion } from '../pod-security/namespace-policy.ts';
import { describeLevel, labelErrors, policyOf } from '../pod-security/namespace-policy.ts';
import type { JudgedPod } from '../pod-security/standard.ts';
import { describeViolations, judge } from '../pod-security/standard.ts';

/** Where kinds that make pods have what they make them from. */
const templates = new Map<ResourceKind, (object: KubeObject) => PodTemplateSpec | undefined>([
  ...[Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, ReplicationController].map((kind) => [kind, (object: KubeObject): PodTemplateSpec | undefined => (object as Deployment).spec.template] as const),
  [CronJob, (object) => (object as CronJob).spec.jobTemplate.spec.template],
  [PodTemplate, (object) => (object as PodTemplate).template],
]);
/** A namespace's pods are looked at when it asks for more; as many as this. */
const maxNamespacePods = 3000;

export function podSecurity(settings: PodSecuritySettings = nothingSet): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    validate(request, context) {
      const kind: ResourceKind = request.kind;
      if (request.object === undefined || request.operation === 'DELETE') return;
      if (kind === Namespace && request.subresource === '') checkNamespace(request, context, settings);
      else if (kind === Pod && (request.subresource === '' || request.subresource === 'ephemeralcontainers')) checkPod(request, context, settings);
      else if (request.subresource === '') checkTemplate(request, context, settings);
    },
  };
}

function checkPod(request: AdmissionRequest, { objects }: AdmissionContext, settings: PodSecuritySettings): void {
  const pod = request.object as unknown as Pod;
  const exempt = exemptionOf(settings, request, pod.spec.runtimeClassName);
  if (exempt !== undefined) return request.annotate?.('pod-security.kubernetes.io/exempt', exempt);
  if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as Pod)) return;
  const judged = judgedPod(pod);
  const { enforce, audit, warn } = policyOf(objects.get(Namespace, request.namespace)?.metadata.labels, settings.defaults);
  request.annotate?.('pod-security.kubernetes.io/enforce-policy', describeLevel(enforce));
  const violations = judge(judged, enforce.level, enforce.version);
  if (violations.length > 0) throw forbidden(Pod, request.name === '' ? (request.object?.metadata.name ?? '') : request.name, `violates PodSecurity ${JSON.stringify(describeLevel(enforce))}: ${describeViolations(violations)}`);
  tell(judged, { audit, warn }, request);
}

/** Whatever makes pods is not held up: the pods will be. */
function checkTemplate(request: AdmissionRequest, { objects }: AdmissionContext, settings: PodSecuritySettings): void {
  const template = templates.get(request.kind)?.(request.object as KubeObject);
  if (template === undefined) return;
  const exempt = exemptionOf(settings, request, template.spec.runtimeClassName);
  if (exempt !== undefined) return request.annotate?.('pod-security.kubernetes.io/exempt', exempt);
  const { audit, warn } = policyOf(objects.get(Namespace, request.namespace)?.metadata.labels, settings.defaults);
  tell({ annotations: template.metadata.annotations ?? {}, spec: template.spec }, { audit, warn }, request);
}

function tell(pod: JudgedPod, { audit, warn }: { readonly audit: LevelVersion; readonly warn: LevelVersion }, request: AdmissionRequest): void {
  const noted = judge(pod, audit.level, audit.version);
  if (noted.length > 0) request.annotate?.('pod-security.kubernetes.io/audit-violations', `would violate PodSecurity ${JSON.stringify(describeLevel(audit))}: ${describeViolations(noted)}`);
  const warned = judge(pod, warn.level, warn.version);
  if (warned.length > 0) request.warn?.(`would violate PodSecurity ${JSON.stringify(describeLevel(warn))}: ${describeViolations(warned)}`);
}

function judgedPod({ metadata, spec }: Pod): JudgedPod {
  return { annotations: metadata.annotations ?? {}, spec };
}

/** Tolerations, deadlines and labels change nothing of what a pod may do. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const rest = ({ spec, metadata }: Pod): object => ({
    spec: { ...spec, tolerations: undefined, activeDeadlineSeconds: undefined },
    annotations: Object.entries(metadata.annotations ?? {}).filter(([key]) => key.includes('seccomp.security.alpha.kubernetes.io') || key.includes('apparmor.security.beta.kubernetes.io')),
  });
  return !saysTheSame(rest(pod), rest(old));
}

function checkNamespace(request: AdmissionRequest, { objects }: AdmissionContext, settings: PodSecuritySettings): void {
  const { labels } = (request.object as unknown as Namespace).metadata;
  const oldLabels = request.old?.metadata.labels;
  const errors = [...labelErrors(labels, oldLabels)];
  const name = request.name === '' ? (request.object?.metadata.name ?? '') : request.name;
  if (errors.length > 0) throw invalid(Namespace, name, errors);
  if (request.operation !== 'UPDATE' || request.warn === undefined || settings.exemptNamespaces.has(name)) return;
  const { enforce } = policyOf(labels, settings.defaults);
  const before = policyOf(oldLabels, settings.defaults).enforce;
  if (enforce.level === 'privileged' || (enforce.level === before.level && enforce.version === before.version)) return;
  warnOfPods(name, enforce, [...objects.list(Pod, name)].slice(0, maxNamespacePods), request.warn);
}

/** Those that are there run on; whoever makes the change should know. */
function warnOfPods(namespace: string, enforce: LevelVersion, pods: readonly Pod[], warn: (text: string) => void): void {
  const byReason = new Map<string, string[]>();
  for (const pod of pods) {
    const violations = judge(judgedPod(pod), enforce.level, enforce.version);
    if (violations.length === 0) continue;
    const reasons = violations.map(({ reason }) => reason).join(', ');
    byReason.set(reasons, [...(byReason.get(reasons) ?? []), pod.metadata.name]);
  }
  if (byReason.size === 0) return;
  warn(`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(describeLevel(enforce))}`);
  for (const [reasons, names] of byReason) {
    const others = names.length - 1;
    warn(`${names[0] ?? ''}${others === 0 ? '' : ` (and ${others} other pod${others === 1 ? '' : 's'})`}: ${reasons}`);
  }
}
