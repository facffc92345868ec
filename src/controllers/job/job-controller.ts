/** Runs pods until enough of them have succeeded. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Job } from '#api/batch/job.ts';
import type { JobStatus } from '#api/batch/job.ts';
import { Pod } from '#api/core/pod.ts';
import type { Container } from '#api/core/container.ts';
import { claim, controllerReference } from '#reconcile/adoption.ts';
import { slowStartBatches } from '#reconcile/batches.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import { queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { createPod, deletePod, podFromTemplate } from '../pod-control.ts';
import type { IndexFailures } from './index-failures.ts';
import { failureCountAnnotation } from './index-failures.ts';
import { indexAnnotation } from './indexes.ts';
import { trackingFinalizer } from './job-pods.ts';
import { isFinished, planJob } from './plan-job.ts';

/** Another controller looks after Jobs that say so. */
const ownManager = 'kubernetes.io/job-controller';
const indexVariable = 'JOB_COMPLETION_INDEX';

export const jobController = defineController<Job>({
  name: 'job-controller',
  for: Job,
  owns: [Pod],
  selects: ({ spec }) => queryOf(spec.selector),

  async reconcile(key, context) {
    const { lister, clock, recorder } = context;
    const job = lister.get(Job, key);
    if (job === undefined || (job.spec.managedBy !== undefined && job.spec.managedBy !== ownManager)) return done;
    const pods = await claim(Pod, { kind: Job, owner: job, query: queryOf(job.spec.selector) }, context);
    if (job.metadata.deletionTimestamp !== undefined) {
      await letGo(pods.filter(isTracked), context);
      return done;
    }
    if (isFinished(job)) {
      await letGo(pods.filter(isTracked), context);
      for (const pod of pods) if (pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined) await deletePod(pod, job, context);
      return done;
    }
    const plan = planJob(job, pods, clock.nowMs());

    // Noted, let go, counted: whoever dies in between neither forgets a pod nor counts it twice.
    let latest = job;
    if (plan.untrack.length > 0) {
      latest = await writeStatus(latest, plan.noted, context);
      await letGo(plan.untrack, context);
    }
    const { error } = await slowStartBatches(plan.create.length, (at) => createPod(podOf(job, plan.create[at], plan.failures), job, context));
    const results = await Promise.allSettled(plan.remove.map((pod) => deletePod(pod, job, context)));
    await writeStatus(latest, plan.counted, context);
    for (const { type, reason, message } of plan.events) recorder.event({ object: job }, type, reason, message);
    const failure = error ?? results.find((result) => result.status === 'rejected')?.reason;
    if (failure !== undefined) throw failure;
    return recheckAfter(plan.recheckAfterMs);
  },
});

function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) === true;
}

async function letGo(pods: readonly Pod[], { client, signal }: ReconcileContext): Promise<void> {
  await Promise.all(pods.map(async ({ metadata }) => {
    const patch = { metadata: { uid: metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
    try {
      await client.patch(Pod, metadata, { type: 'strategic', patch }, { signal });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }));
}

async function writeStatus(job: Job, status: JobStatus, { client, signal }: ReconcileContext): Promise<Job> {
  if (saysTheSame(status, job.status)) return job;
  return client.updateStatus(Job, { ...job, status }, { signal });
}

/** A pod of the Job, for one completion index where the Job has them. */
function podOf(job: Job, index: number | undefined, failures: IndexFailures | undefined): Given<Pod> {
  const { template } = job.spec;
  const pod = podFromTemplate(template, job, controllerReference(Job, job));
  const finalizers = [...(template.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const text = String(index);
  return {
    metadata: {
      ...pod.metadata,
      generateName: `${job.metadata.name}-${text}-`,
      finalizers,
      labels: { ...template.metadata.labels, [indexAnnotation]: text },
      annotations: {
        ...template.metadata.annotations,
        [indexAnnotation]: text,
        ...(failures !== undefined && { [failureCountAnnotation]: String(failures.byIndex.get(index)?.count ?? 0) }),
      },
    },
    spec: {
      ...template.spec,
      hostname: `${job.metadata.name}-${text}`,
      containers: template.spec.containers.map(withIndex),
      ...(template.spec.initContainers !== undefined && { initContainers: template.spec.initContainers.map(withIndex) }),
    },
  };
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable) === true) return container;
  const variable = { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } };
  return { ...container, env: [...(container.env ?? []), variable] };
}
