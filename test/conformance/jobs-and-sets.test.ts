import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { ControllerRevision as ControllerRevisionObject } from '#api/apps/controller-revision.ts';
import { ControllerRevision } from '#api/apps/controller-revision.ts';
import { DaemonSet } from '#api/apps/daemon-set.ts';
import type { StatefulSet as StatefulSetObject } from '#api/apps/stateful-set.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import type { Job as JobObject } from '#api/batch/job.ts';
import { Job } from '#api/batch/job.ts';
import { Node } from '#api/core/node.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, ownerOf, template, workspaceTests } from './cluster.ts';

let cluster: TestCluster;
/** How often a container with this word in its command was started, to let the first try fail. */
const starts = new Map<string, number>();
before(async () => {
  cluster = await startCluster({
    nodes: 2,
    behaviour: ({ config, pod }) => {
      const [word = '', argument = ''] = config.command ?? [];
      const index = Number(config.envs?.find((each) => each.key === 'JOB_COMPLETION_INDEX')?.value ?? 0);
      switch (word) {
        case 'succeed':
          return { exitAfterMs: 0 };
        case 'fail':
          return { exitAfterMs: 0, exitCode: Number(argument) };
        case 'fail-odd':
          return { exitAfterMs: 0, exitCode: index % 2 };
        case 'fail-once': {
          const key = `${pod?.namespace}/${pod?.name}`;
          const count = (starts.get(key) ?? 0) + 1;
          starts.set(key, count);
          return { exitAfterMs: 0, exitCode: count === 1 ? 1 : 0 };
        }
        case 'not-ready':
          return { probe: () => false };
        default:
          return {};
      }
    },
  });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

describe('conformance: Jobs', { concurrency: false }, () => {
  type Spec = Given<JobObject['spec']>;
  const job = (w: Workspace, command: readonly string[], more: Spec = {}, pod: Given<PodObject['spec']> = {}): Promise<JobObject> =>
    w.client.create(Job, { metadata: { ...w.key('j'), labels: { app: 'j' } }, spec: { parallelism: 2, completions: 4, backoffLimit: 6, template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox', command }], ...pod } }, ...more } });
  /** How a Job ends: with a reason, and with no pods that are about. */
  const ended = async (w: Workspace, type: 'Complete' | 'Failed', reason?: string, timeoutMs = 60_000): Promise<JobObject['status']> => {
    await cluster.until(Job, w.key('j'), (found) => found !== undefined && has(type, reason)(found), { timeoutMs });
    const { status } = await w.client.get(Job, w.key('j'));
    assert.deepEqual([status.active ?? 0, status.ready, status.terminating], [0, 0, 0]);
    return status;
  };
  const has = (type: string, reason?: string) => ({ status }: JobObject): boolean => status.conditions?.some((each) => each.type === type && each.status === 'True' && (reason === undefined || each.reason === reason)) === true;

  inCluster('[sig-apps] Job should delete a job [Conformance]', async (w) => {
    await job(w, ['run'], { parallelism: 2, completions: 2 });
    await w.until(Job, 'j', ({ status }) => status.active === 2);
    await w.client.delete(Job, w.key('j'), { propagationPolicy: 'Foreground' });
    await w.untilGone(Job, 'j');
    assert.deepEqual((await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined), []);
  });
  inCluster('[sig-apps] Job should adopt matching orphans and release non-matching pods [Conformance]', async (w) => {
    const { metadata } = await job(w, ['run'], { parallelism: 2, completions: 2 });
    await w.until(Job, 'j', ({ status }) => status.active === 2);
    const name = (await w.pods())[0]?.metadata.name ?? '';
    await w.client.patch(Pod, w.key(name), { type: 'merge', patch: { metadata: { ownerReferences: null } } });
    await w.until(Pod, name, (pod) => ownerOf(pod) === metadata.uid);
    await w.client.patch(Pod, w.key(name), { type: 'merge', patch: { metadata: { labels: { 'batch.kubernetes.io/job-name': null, 'job-name': null, 'controller-uid': null, 'batch.kubernetes.io/controller-uid': null } } } });
    await w.until(Pod, name, (pod) => ownerOf(pod) === undefined);
  });
  inCluster('[sig-apps] Job should create pods for an Indexed job with completion indexes and specified hostname [Conformance]', async (w) => {
    await job(w, ['succeed'], { completionMode: 'Indexed' });
    const { completedIndexes, succeeded } = await ended(w, 'Complete', 'CompletionsReached');
    assert.deepEqual([completedIndexes, succeeded], ['0-3', 4]);
    const pods = await w.pods();
    assert.deepEqual(new Set(pods.map((each) => each.metadata.annotations?.['batch.kubernetes.io/job-completion-index'])), new Set(['0', '1', '2', '3']));
    for (const pod of pods) assert.equal(pod.spec.hostname, `j-${pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']}`);
  });
  inCluster('[sig-apps] Job should run a job to completion when tasks sometimes fail and are locally restarted [Conformance]', async (w) => {
    await job(w, ['fail-once'], {}, { restartPolicy: 'OnFailure' });
    // The kubelet waits ten seconds before it starts a container again.
    assert.equal((await ended(w, 'Complete', 'CompletionsReached')).succeeded, 4);
  });
  inCluster('[sig-apps] Job should allow to use the pod failure policy on exit code to fail the job early [Conformance]', async (w) => {
    await job(w, ['fail', '42'], { backoffLimit: 6, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } });
    await w.until(Job, 'j', has('FailureTarget', 'PodFailurePolicy'));
    await ended(w, 'Failed', 'PodFailurePolicy');
  });
  inCluster('[sig-apps] Job should execute all indexes despite some failing when using backoffLimitPerIndex [Conformance]', async (w) => {
    await job(w, ['fail-odd'], { completionMode: 'Indexed', backoffLimit: undefined, backoffLimitPerIndex: 1 });
    const { completedIndexes, failedIndexes, failed, succeeded } = await ended(w, 'Failed', 'FailedIndexes');
    assert.deepEqual([completedIndexes, failedIndexes, failed, succeeded], ['0,2', '1,3', 4, 2]);
  });
  inCluster('[sig-apps] Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes [Conformance]', async (w) => {
    await job(w, ['fail', '1'], { completionMode: 'Indexed', parallelism: 1, backoffLimit: undefined, backoffLimitPerIndex: 0, maxFailedIndexes: 0 });
    const { failedIndexes, failed } = await ended(w, 'Failed', 'MaxFailedIndexesExceeded');
    assert.deepEqual([failedIndexes, failed], ['0', 1]);
  });
  inCluster('[sig-apps] Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy [Conformance]', async (w) => {
    await job(w, ['fail-odd'], { completionMode: 'Indexed', completions: 2, backoffLimit: undefined, backoffLimitPerIndex: 1, podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] } });
    const { completedIndexes, failedIndexes, failed, succeeded } = await ended(w, 'Failed', 'FailedIndexes');
    assert.deepEqual([failedIndexes, completedIndexes, failed, succeeded], ['1', '0', 1, 1]);
  });
  inCluster('[sig-apps] Job with successPolicy should succeeded when all indexes succeeded [Conformance]', async (w) => {
    await job(w, ['succeed'], { completionMode: 'Indexed', completions: 2, successPolicy: { rules: [{ succeededCount: 2 }] } });
    await w.until(Job, 'j', has('SuccessCriteriaMet', 'SuccessPolicy'));
    const { succeeded, failed = 0 } = await ended(w, 'Complete', 'SuccessPolicy');
    assert.deepEqual([succeeded, failed], [2, 0]);
  });
  inCluster('[sig-apps] Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending [Conformance]', async (w) => {
    await job(w, ['fail-odd'], { completionMode: 'Indexed', completions: 5, parallelism: 2, successPolicy: { rules: [{ succeededIndexes: '0' }] } });
    await w.until(Job, 'j', has('SuccessCriteriaMet', 'SuccessPolicy'));
    const { completedIndexes, succeeded } = await ended(w, 'Complete', 'SuccessPolicy');
    assert.deepEqual([completedIndexes, succeeded], ['0', 1]);
  });
  inCluster('[sig-apps] Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending [Conformance]', async (w) => {
    await job(w, ['fail-odd'], { completionMode: 'Indexed', completions: 5, parallelism: 2, backoffLimit: 2 ** 31 - 1, successPolicy: { rules: [{ succeededCount: 1 }] } });
    await w.until(Job, 'j', has('SuccessCriteriaMet', 'SuccessPolicy'));
    const { completedIndexes, succeeded } = await ended(w, 'Complete', 'SuccessPolicy');
    assert.deepEqual([completedIndexes, succeeded], ['0', 1]);
  });
  inCluster('[sig-apps] Job should manage the lifecycle of a job [Conformance]', async (w) => {
    const made = await job(w, ['run'], { suspend: true });
    const patched = await w.client.patch(Job, w.key('j'), { type: 'strategic', patch: { metadata: { labels: { j: 'patched' } } } });
    assert.equal(patched.metadata.labels?.['j'], 'patched');
    for (;;) {
      const found = await w.client.get(Job, w.key('j'));
      const updated = await w.client.update(Job, { ...found, spec: { ...found.spec, suspend: false }, metadata: { ...found.metadata, annotations: { updated: 'true' } } }).catch(() => undefined);
      if (updated !== undefined) break;
    }
    await w.until(Job, 'j', ({ status }) => status.active === 2);
    assert.equal((await w.client.list(Job, { labelSelector: 'j=patched' })).items[0]?.metadata.uid, made.metadata.uid);
    await w.client.deleteCollection(Job, { namespace: w.namespace, labelSelector: 'j=patched', propagationPolicy: 'Background' });
    await w.untilGone(Job, 'j');
  });
  inCluster('[sig-apps] Job should apply changes to a job status [Conformance]', async (w) => {
    await job(w, ['run'], { parallelism: 2, completions: 4 });
    await w.until(Job, 'j', ({ status }) => status.active === 2 && status.ready === 2);
    const transition = ({ status }: Job): string | undefined => status.conditions?.find(({ type }) => type === 'CustomConditionType')?.lastTransitionTime;
    const [first, second] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    const conditions = [{ type: 'CustomConditionType', status: 'True', lastTransitionTime: first }];
    const patched = await w.client.patch(Job, w.key('j'), { type: 'merge', patch: { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions } } }, { subresource: 'status' });
    assert.deepEqual([transition(patched), patched.metadata.annotations?.['patchedstatus']], [first, 'true']);
    const found = await w.client.get(Job, w.key('j'));
    assert.equal(transition(found), first);
    const changed = found.status.conditions?.map((each) => (each.type === 'CustomConditionType' ? { ...each, lastTransitionTime: second } : each)) ?? [];
    const updated = await w.client.updateStatus(Job, { ...found, status: { ...found.status, conditions: changed } });
    assert.equal(transition(updated), second);
    const gotten = await w.client.get(Job, w.key('j'));
    assert.equal(gotten.metadata.uid, patched.metadata.uid);
    // The controller writes the status anew and leaves what it does not know.
    const [pod] = await w.pods();
    await w.client.delete(Pod, w.key(pod?.metadata.name ?? ''));
    await w.until(Job, 'j', (each) => each.status.active === 2 && each.status.ready === 2 && (each.status.failed ?? 0) > 0 && transition(each) === second);
  });
});

describe('conformance: DaemonSets', { concurrency: false }, () => {
  const daemons = async (w: Workspace, more: object = {}): Promise<DaemonSet> =>
    w.client.create(DaemonSet, { metadata: { ...w.key('ds'), labels: { app: 'ds' } }, spec: { selector: { matchLabels: { app: 'ds' } }, template: template('ds'), ...more } });
  const runs = (on: number) => ({ status, metadata }: DaemonSet): boolean => status.observedGeneration === metadata.generation && status.desiredNumberScheduled === on && status.numberReady === on && (status.updatedNumberScheduled ?? 0) === on;

  inCluster('[sig-apps] Daemon set [Serial] should run and stop simple daemon [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    const [first] = await w.pods();
    await w.client.delete(Pod, w.key(first?.metadata.name ?? ''));
    await w.eventually(async () => (await w.pods()).filter((each) => isReady(each) && each.metadata.uid !== first?.metadata.uid).length === 2);
    assert.deepEqual(new Set((await w.pods()).map((each) => each.spec.nodeName)), new Set(['node-1', 'node-2']));
  });
  inCluster('[sig-apps] Daemon set [Serial] should run and stop complex daemon [Conformance]', async (w) => {
    const { spec, metadata } = template('ds');
    await daemons(w, { template: { metadata, spec: { ...spec, nodeSelector: { 'daemonset-color': 'blue' } } } });
    const paint = (color: string | null): Promise<unknown> => w.client.patch(Node, { name: 'node-1' }, { type: 'merge', patch: { metadata: { labels: { 'daemonset-color': color } } } });
    await w.until(DaemonSet, 'ds', ({ status, metadata: own }) => status.observedGeneration === own.generation && status.desiredNumberScheduled === 0);
    await paint('blue');
    await w.until(DaemonSet, 'ds', runs(1));
    await paint('green');
    await w.eventually(async () => (await w.pods()).length === 0);
    await w.client.patch(DaemonSet, w.key('ds'), { type: 'strategic', patch: { spec: { template: { spec: { nodeSelector: { 'daemonset-color': 'green' } } } } } });
    await w.until(DaemonSet, 'ds', runs(1));
    await paint(null);
  });
  inCluster('[sig-apps] Daemon set [Serial] should retry creating failed daemon pods [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    const [first] = await w.pods();
    assert.ok(first !== undefined);
    await w.client.patch(Pod, w.key(first.metadata.name), { type: 'merge', patch: { status: { phase: 'Failed' } } }, { subresource: 'status' });
    await w.eventually(async () => (await w.pods()).filter((each) => isReady(each) && each.metadata.uid !== first.metadata.uid).length === 2);
  });
  inCluster('[sig-apps] Daemon set [Serial] should update pod when spec was updated and update strategy is RollingUpdate [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    await w.client.patch(DaemonSet, w.key('ds'), { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: 'agnhost:new' }] } } } } });
    await w.until(DaemonSet, 'ds', runs(2));
    assert.deepEqual(new Set((await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined).map((each) => each.spec.containers[0]?.image)), new Set(['agnhost:new']));
  });
  inCluster('[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    const image = (to: string): Promise<unknown> => w.client.patch(DaemonSet, w.key('ds'), { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } } });
    const { spec } = await w.client.get(DaemonSet, w.key('ds'));
    const kept = (await w.pods()).map((each) => each.metadata.uid);
    // Pods of the new template cannot be made: its resources exceed every node.
    await w.client.patch(DaemonSet, w.key('ds'), { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: 'foo:non-existent', resources: { requests: { cpu: '1000' } } }] } } } } });
    await w.eventually(async () => (await w.pods()).some((each) => each.spec.containers[0]?.image === 'foo:non-existent'));
    const untouched = (await w.pods()).filter((each) => kept.includes(each.metadata.uid) && each.metadata.deletionTimestamp === undefined).map((each) => each.metadata.uid);
    await w.client.patch(DaemonSet, w.key('ds'), { type: 'json', operations: [{ op: 'replace', path: '/spec/template', value: spec.template as never }] });
    await w.until(DaemonSet, 'ds', runs(2));
    const now = (await w.pods()).map((each) => each.metadata.uid);
    for (const uid of untouched) assert.ok(now.includes(uid), 'a pod was restarted without need');
    await image('agnhost:2.53');
  });
  inCluster('[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    assert.equal((await w.client.list(DaemonSet, { namespace: w.namespace, labelSelector: 'app=ds' })).items.length, 1);
    await w.client.deleteCollection(DaemonSet, { namespace: w.namespace, labelSelector: 'app=ds' });
    await w.untilGone(DaemonSet, 'ds');
  });
  inCluster('[sig-apps] Daemon set [Serial] should verify changes to a daemon set status [Conformance]', async (w) => {
    await daemons(w);
    await w.until(DaemonSet, 'ds', runs(2));
    const patched = await w.client.patch(DaemonSet, w.key('ds'), { type: 'merge', patch: { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } } }, { subresource: 'status' });
    assert.ok(patched.status.conditions?.some((each) => each.type === 'StatusPatched'));
  });
});

describe('conformance: revisions of DaemonSets', { concurrency: false }, () => {
  inCluster('[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]', async (w) => {
    const labels = { 'daemonset-name': w.namespace };
    const labelSelector = `daemonset-name=${w.namespace}`;
    const made = await w.client.create(DaemonSet, { metadata: { ...w.key('ds'), labels }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'agnhost:2.53' }] } } } });
    await w.until(DaemonSet, 'ds', ({ status, metadata }) => status.observedGeneration === metadata.generation && status.numberReady === 2);
    const revisions = async (): Promise<readonly ControllerRevisionObject[]> => (await w.client.list(ControllerRevision, { labelSelector })).items;
    const [initial, ...others] = await revisions();
    assert.ok(initial !== undefined && others.length === 0);
    assert.equal(ownerOf(initial), made.metadata.uid);
    const patched = await w.client.patch(ControllerRevision, w.key(initial.metadata.name), { type: 'strategic', patch: { metadata: { labels: { [initial.metadata.name]: 'patched' } } } });
    assert.equal(patched.metadata.labels?.[initial.metadata.name], 'patched');

    // One that somebody else makes for the set, with the same content, stays beside the other until the set is looked at.
    await w.client.create(ControllerRevision, {
      metadata: { ...w.key('ds-another'), labels: { ...labels, 'controller-revision-hash': 'another' }, ownerReferences: initial.metadata.ownerReferences }, data: initial.data, revision: initial.revision + 1,
    });
    assert.equal((await revisions()).length, 2);
    await w.client.delete(ControllerRevision, w.key(initial.metadata.name));
    await w.eventually(async () => (await revisions()).length === 1);
    const [current] = await revisions();
    assert.equal(current?.metadata.name, 'ds-another');
    await w.eventually(async () => {
      const found = await w.client.get(ControllerRevision, w.key('ds-another'));
      return w.client.update(ControllerRevision, { ...found, metadata: { ...found.metadata, labels: { ...found.metadata.labels, 'ds-another': 'updated' } } }).then(() => true, (error: unknown) => !hasReason(error, 'Conflict'));
    });
    await w.client.patch(DaemonSet, w.key('ds'), { type: 'strategic', patch: { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } } });
    await w.eventually(async () => (await revisions()).length === 2);
    await w.client.deleteCollection(ControllerRevision, { namespace: w.namespace, labelSelector: 'ds-another=updated' });
    await w.eventually(async () => (await revisions()).length === 1);
    assert.deepEqual((await revisions()).map(({ revision }) => revision), [3]);
  });
});

describe('conformance: StatefulSets', { concurrency: false }, () => {
  const readiness = { httpGet: { path: '/', port: 80 }, periodSeconds: 1 };
  const sets = (w: Workspace, replicas: number, more: Given<StatefulSetObject['spec']> = {}): Promise<StatefulSetObject> =>
    w.client.create(StatefulSet, { metadata: { ...w.key('ss'), labels: { app: 'ss' } }, spec: { replicas, serviceName: 'test', selector: { matchLabels: { app: 'ss' } }, template: template('ss'), ...more } });
  const runs = (replicas: number) => ({ status, metadata }: StatefulSetObject): boolean => status.observedGeneration === metadata.generation && status.replicas === replicas && status.readyReplicas === replicas;
  const image = (w: Workspace, to: string): Promise<unknown> => w.client.patch(StatefulSet, w.key('ss'), { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } } });
  const images = async (w: Workspace): Promise<(string | undefined)[]> => (await w.pods()).toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1)).map((each) => each.spec.containers[0]?.image);

  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource [Conformance]', async (w) => {
    await sets(w, 1);
    await w.until(StatefulSet, 'ss', runs(1));
    await w.client.patch(StatefulSet, w.key('ss'), { type: 'merge', patch: { spec: { replicas: 2 } } }, { subresource: 'scale' });
    await w.until(StatefulSet, 'ss', runs(2));
    // As Go writes a Scale that has nothing but its spec.
    await w.client.patch(StatefulSet, w.key('ss'), { type: 'strategic', patch: { metadata: { creationTimestamp: null }, spec: { replicas: 4 }, status: { replicas: 0 } } }, { subresource: 'scale' });
    assert.equal((await w.client.get(StatefulSet, w.key('ss'))).spec.replicas, 4);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Scaling should happen in predictable order and halt if any stateful pod is unhealthy [Slow] [Conformance]', async (w) => {
    const order: string[] = [];
    const stop = cluster.informers.for(Pod).addHandler({
      added: ({ metadata }) => metadata.namespace === w.namespace && order.push(`+${metadata.name}`),
      deleted: ({ metadata }) => metadata.namespace === w.namespace && order.push(`-${metadata.name}`),
    });
    await sets(w, 3);
    await w.until(StatefulSet, 'ss', runs(3));
    await w.client.patch(StatefulSet, w.key('ss'), { type: 'merge', patch: { spec: { replicas: 0 } } });
    await w.until(StatefulSet, 'ss', ({ status }) => status.replicas === 0);
    await w.eventually(async () => (await w.pods()).length === 0);
    stop();
    assert.deepEqual(order, ['+ss-0', '+ss-1', '+ss-2', '-ss-2', '-ss-1', '-ss-0']);
    // With a pod that does not become ready, nothing goes on behind it.
    const { metadata, spec } = template('ss');
    await w.client.patch(StatefulSet, w.key('ss'), { type: 'json', operations: [{ op: 'replace', path: '/spec/template', value: { metadata, spec: { ...spec, containers: [{ name: 'c', image: 'i', command: ['not-ready'], readinessProbe: readiness }] } } as never }, { op: 'replace', path: '/spec/replicas', value: 3 }] });
    await w.eventually(async () => (await w.pods()).some((each) => each.status.phase === 'Running'));
    assert.deepEqual((await w.pods()).map((each) => each.metadata.name), ['ss-0']);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Burst scaling should run to completion even with unhealthy pods [Slow] [Conformance]', async (w) => {
    const { metadata, spec } = template('ss');
    await sets(w, 3, { podManagementPolicy: 'Parallel', template: { metadata, spec: { ...spec, containers: [{ name: 'c', image: 'i', command: ['not-ready'], readinessProbe: readiness }] } } });
    await w.eventually(async () => (await w.pods()).filter((each) => each.status.phase === 'Running').length === 3);
    await w.client.patch(StatefulSet, w.key('ss'), { type: 'merge', patch: { spec: { replicas: 0 } } });
    await w.eventually(async () => (await w.pods()).length === 0);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform rolling updates and roll backs of template modifications [Conformance]', async (w) => {
    await sets(w, 3);
    const first = await w.until(StatefulSet, 'ss', runs(3));
    assert.equal(first.status.currentRevision, first.status.updateRevision);
    await image(w, 'agnhost:new');
    const isUpdated = (found: StatefulSetObject): boolean => runs(3)(found) && found.status.currentRevision === found.status.updateRevision && found.status.updatedReplicas === 3;
    const second = await w.until(StatefulSet, 'ss', (found) => isUpdated(found) && found.status.updateRevision !== first.status.updateRevision);
    assert.deepEqual(await images(w), ['agnhost:new', 'agnhost:new', 'agnhost:new']);
    await image(w, 'agnhost:2.53');
    const third = await w.until(StatefulSet, 'ss', (found) => isUpdated(found) && found.status.updateRevision !== second.status.updateRevision);
    assert.equal(third.status.updateRevision, first.status.updateRevision);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform canary updates and phased rolling updates of template modifications [Conformance]', async (w) => {
    await sets(w, 3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 3 } } });
    await w.until(StatefulSet, 'ss', runs(3));
    const partition = (to: number): Promise<unknown> => w.client.patch(StatefulSet, w.key('ss'), { type: 'merge', patch: { spec: { updateStrategy: { rollingUpdate: { partition: to } } } } });
    await image(w, 'agnhost:new');
    await w.until(StatefulSet, 'ss', (found) => runs(3)(found) && found.status.currentRevision !== found.status.updateRevision);
    assert.deepEqual(await images(w), ['agnhost:2.53', 'agnhost:2.53', 'agnhost:2.53']);
    await partition(2);
    await w.eventually(async () => (await images(w)).join() === 'agnhost:2.53,agnhost:2.53,agnhost:new');
    await w.until(StatefulSet, 'ss', runs(3));
    // What is deleted comes back in the version that the partition says.
    await w.client.delete(Pod, w.key('ss-0'));
    await w.eventually(async () => (await w.pods()).length === 3 && (await images(w)).join() === 'agnhost:2.53,agnhost:2.53,agnhost:new');
    await partition(0);
    await w.eventually(async () => (await images(w)).join() === 'agnhost:new,agnhost:new,agnhost:new');
    await w.until(StatefulSet, 'ss', (found) => runs(3)(found) && found.status.currentRevision === found.status.updateRevision);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Should recreate evicted statefulset [Conformance]', async (w) => {
    // Its node is given, and there another pod has the port: the kubelet fails it, again and again, until the other is gone.
    const ports = [{ name: 'conflict', containerPort: 21_017, hostPort: 21_017 }];
    const onNode = { nodeName: 'node-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'webserver', image: 'agnhost:2.53', ports }] };
    await w.client.create(Pod, w.pod('test-pod', { spec: onNode }));
    await w.until(Pod, 'test-pod', isReady);
    await w.client.create(StatefulSet, { metadata: w.key('ss'), spec: { replicas: 1, serviceName: 'test', selector: { matchLabels: { app: 'ss' } }, template: { metadata: { labels: { app: 'ss' } }, spec: onNode } } });
    const { metadata: { uid } } = await w.until(Pod, 'ss-0', ({ status }) => status.phase === 'Failed' && status.reason === 'NodePorts');
    await w.until(Pod, 'ss-0', ({ metadata }) => metadata.uid !== uid);
    await w.client.delete(Pod, w.key('test-pod'));
    await w.until(Pod, 'ss-0', isReady);
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets [Conformance]', async (w) => {
    await sets(w, 1);
    await w.until(StatefulSet, 'ss', runs(1));
    // A container that was not there comes first, and a field that there is not is passed over.
    const patch = { metadata: { labels: { ss: 'patched' } }, spec: { replicas: 2, template: { spec: { TerminationGracePeriodSeconds: 1, containers: [{ name: 'test-ss', image: 'pause' }] } } } };
    const patched = await w.client.patch(StatefulSet, w.key('ss'), { type: 'strategic', patch });
    assert.deepEqual([patched.spec.replicas, patched.spec.template.spec?.containers.map(({ image: named }) => named)], [2, ['pause', 'agnhost:2.53']]);
    await w.until(StatefulSet, 'ss', (found) => runs(2)(found) && found.status.updatedReplicas === 2);
    assert.equal((await w.client.list(StatefulSet, { labelSelector: 'ss=patched' })).items.length, 1);
    await w.client.deleteCollection(StatefulSet, { namespace: w.namespace, labelSelector: 'ss=patched' });
    await w.untilGone(StatefulSet, 'ss');
  });
  inCluster('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints [Conformance]', async (w) => {
    await sets(w, 1);
    await w.until(StatefulSet, 'ss', runs(1));
    const found = await w.client.get(StatefulSet, w.key('ss'));
    const condition = { type: 'StatusUpdate', status: 'True' as const, reason: 'E2E', message: 'Set from e2e test' };
    const updated = await w.client.updateStatus(StatefulSet, { ...found, status: { ...found.status, conditions: [...found.status.conditions ?? [], condition] } });
    assert.ok(updated.status.conditions?.some(({ type, reason, message }) => type === 'StatusUpdate' && reason === 'E2E' && message === 'Set from e2e test'));
    const patched = await w.client.patch(StatefulSet, w.key('ss'), { type: 'merge', patch: { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } } }, { subresource: 'status' });
    assert.deepEqual(patched.status.conditions?.map(({ type }) => type), ['StatusPatched']);
  });
});
