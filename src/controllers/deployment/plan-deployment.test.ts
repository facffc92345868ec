import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject } from '#apimachinery/decode.ts';
import { Deployment } from '#api/apps/deployment.ts';
import type { DeploymentSpec } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { findCondition } from '#api/core/pod-status.ts';
import type { DeploymentPlan } from './plan-deployment.ts';
import { planDeployment } from './plan-deployment.ts';
import { maxSurge, maxUnavailable, replicasOf, revisionAnnotation, sum } from './replica-sets.ts';

const startMs = Date.UTC(2026, 0, 1);

function deploymentOf(image: string, spec: object = {}): Deployment {
  return decodeObject(Deployment, {
    metadata: { name: 'web', namespace: 'default', uid: 'd1', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...spec,
    },
    status: {},
  });
}

/** A world in which sets follow their size at once, and pods become available when told. */
class World {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  events: string[] = [];
  nowMs = startMs;
  #made = 0;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  plan(oldPodsGone = true): DeploymentPlan {
    return planDeployment({ deployment: this.deployment, replicaSets: this.sets, oldPodsGone: () => oldPodsGone, nowMs: this.nowMs });
  }

  carryOut(plan: DeploymentPlan): boolean {
    if (plan.create !== undefined) {
      this.#made++;
      const created = { ...plan.create, metadata: { ...plan.create.metadata, uid: `rs${this.#made}`, generation: 1, resourceVersion: '1', creationTimestamp: new Date(startMs + this.#made * 1000).toISOString() }, status: { replicas: plan.create.spec?.replicas ?? 0, observedGeneration: 1 } };
      this.sets.push(decodeObject(ReplicaSet, structuredClone(created)));
    }
    for (const { replicaSet, changed } of plan.changes) {
      const at = this.sets.indexOf(replicaSet);
      const replicas = replicasOf(changed);
      this.sets[at] = { ...changed, status: { ...changed.status, replicas, availableReplicas: Math.min(replicas, changed.status.availableReplicas ?? 0), readyReplicas: Math.min(replicas, changed.status.readyReplicas ?? 0) } };
      if (replicas !== replicasOf(replicaSet)) this.events.push(`${replicasOf(replicaSet)}>${replicas}`);
    }
    this.sets = this.sets.filter((each) => !plan.remove.includes(each));
    const annotations = plan.revision === undefined ? this.deployment.metadata.annotations : { ...this.deployment.metadata.annotations, [revisionAnnotation]: plan.revision };
    const before = JSON.stringify([this.deployment.status, this.deployment.metadata.annotations]);
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations }, status: plan.status };
    return plan.create !== undefined || plan.changes.length > 0 || plan.remove.length > 0 || before !== JSON.stringify([plan.status, annotations]);
  }

  makeAvailable(set: ReplicaSet, count: number): void {
    const at = this.sets.indexOf(set);
    const available = Math.min(replicasOf(set), (set.status.availableReplicas ?? 0) + count);
    this.sets[at] = { ...set, status: { ...set.status, availableReplicas: available, readyReplicas: available } };
  }

  change(spec: Partial<DeploymentSpec>): void {
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, generation: (this.deployment.metadata.generation ?? 0) + 1 }, spec: { ...this.deployment.spec, ...spec } };
  }

  /** Until nothing changes any more; pods become available at once. */
  settle(): void {
    for (let step = 0; step < 500; step++) {
      const isChanged = this.carryOut(this.plan());
      const late = this.sets.filter((set) => (set.status.availableReplicas ?? 0) < replicasOf(set));
      for (const set of late) this.makeAvailable(set, 1000);
      if (!isChanged && late.length === 0) return;
    }
    assert.fail('it never settles');
  }

  progressing() {
    return findCondition(this.deployment.status.conditions, 'Progressing');
  }
}

test('a new Deployment gets a set of its full size, revision 1, and says how it goes', () => {
  const world = new World(deploymentOf('a'));
  const first = world.plan();
  assert.equal(first.create?.spec?.replicas, 10);
  assert.match(first.create?.metadata?.name ?? '', /^web-[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  assert.equal(first.create?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '1');
  assert.equal(first.create?.metadata?.annotations?.['deployment.kubernetes.io/desired-replicas'], '10');
  assert.equal(first.create?.metadata?.annotations?.['deployment.kubernetes.io/max-replicas'], '13');
  assert.equal(first.revision, '1');
  world.carryOut(first);
  assert.equal(world.progressing()?.reason, 'NewReplicaSetCreated');
  world.settle();
  assert.equal(world.progressing()?.reason, 'NewReplicaSetAvailable');
  assert.equal(world.progressing()?.message, `ReplicaSet "${world.sets[0]?.metadata.name}" has successfully progressed.`);
  assert.equal(findCondition(world.deployment.status.conditions, 'Available')?.reason, 'MinimumReplicasAvailable');
});

test('a rolling update of 10 with 25% grows by the surge first, then trades old for new', () => {
  const world = new World(deploymentOf('a'));
  world.settle();
  world.change({ template: deploymentOf('b').spec.template });
  world.carryOut(world.plan());
  assert.equal(replicasOf(world.sets[1] as ReplicaSet), 3);
  world.carryOut(world.plan());
  assert.deepEqual(world.events, ['10>8']);
});

test('going back to an older template takes its set again, with a new revision and its history', () => {
  const world = new World(deploymentOf('a'));
  world.settle();
  const first = world.sets[0]?.metadata.name;
  world.change({ template: deploymentOf('b').spec.template });
  world.settle();
  world.change({ template: deploymentOf('a').spec.template });
  world.settle();
  assert.equal(world.sets.length, 2);
  const back = world.sets.find((set) => replicasOf(set) === 10);
  assert.equal(back?.metadata.name, first);
  assert.equal(back?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(back?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  assert.equal(world.deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
});

test('only as many old sets are kept as the history limit says', () => {
  const world = new World(deploymentOf('v0', { revisionHistoryLimit: 2 }));
  for (let version = 1; version <= 5; version++) {
    world.settle();
    world.change({ template: deploymentOf(`v${version}`).spec.template });
  }
  world.settle();
  assert.deepEqual(world.sets.map((set) => set.spec.template.spec.containers[0]?.image ?? '').sort(), ['v3', 'v4', 'v5']);
});

test('a paused Deployment is scaled but not rolled out', () => {
  const world = new World(deploymentOf('a'));
  world.settle();
  world.change({ paused: true, template: deploymentOf('b').spec.template, replicas: 4 });
  world.settle();
  assert.equal(world.sets.length, 1);
  assert.equal(replicasOf(world.sets[0] as ReplicaSet), 4);
  assert.equal(world.progressing()?.reason, 'DeploymentPaused');
  world.change({ paused: false });
  world.settle();
  assert.equal(world.sets.length, 2);
  assert.equal(world.progressing()?.reason, 'NewReplicaSetAvailable');
});

test('scaling in the middle of a rollout gives each set its share', () => {
  const world = new World(deploymentOf('a', { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
  world.settle();
  world.change({ template: deploymentOf('b').spec.template });
  for (let step = 0; step < 3; step++) world.carryOut(world.plan());
  assert.deepEqual(world.sets.map(replicasOf), [8, 5]);
  world.change({ replicas: 15 });
  world.carryOut(world.plan());
  // As in Kubernetes' documentation: 5 more, 3 for the larger set, 2 for the smaller.
  assert.deepEqual(world.sets.map(replicasOf), [11, 7]);
});

test('Recreate brings every old pod down before the first new one comes', () => {
  const world = new World(deploymentOf('a', { strategy: { type: 'Recreate' } }));
  world.settle();
  world.change({ template: deploymentOf('b').spec.template });
  world.carryOut(world.plan(false));
  assert.deepEqual(world.sets.map(replicasOf), [0]);
  world.carryOut(world.plan(false));
  assert.equal(world.sets.length, 1);
  world.carryOut(world.plan(true));
  assert.deepEqual(world.sets.map(replicasOf), [0, 10]);
});

test('a rollout that does not move on exceeds its deadline, and is looked at when it does', () => {
  const world = new World(deploymentOf('a'));
  world.carryOut(world.plan());
  world.carryOut(world.plan());
  const { recheckAfterMs } = world.plan();
  assert.equal(recheckAfterMs, 601_000);
  world.nowMs += 601_000;
  world.carryOut(world.plan());
  assert.deepEqual([world.progressing()?.status, world.progressing()?.reason], ['False', 'ProgressDeadlineExceeded']);
  assert.match(world.progressing()?.message ?? '', /^ReplicaSet "web-.*" has timed out progressing\.$/);
  world.settle();
  assert.equal(world.progressing()?.reason, 'NewReplicaSetAvailable');
});

test('a rolling update never has too many pods nor too few available, and always ends', () => {
  const amount = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 25 }), amount, amount, fc.array(fc.tuple(fc.nat(3), fc.nat(4)), { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (replicas, surge, unavailable, script, updates) => {
      const world = new World(deploymentOf('v0', { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } }));
      world.settle();
      const steps = [...script];
      for (let update = 1; update <= updates; update++) {
        world.change({ template: deploymentOf(`v${update}`).spec.template });
        for (const [which, count] of steps.splice(0, 20)) {
          world.carryOut(world.plan());
          const set = world.sets[which % Math.max(1, world.sets.length)];
          if (set !== undefined) world.makeAvailable(set, count);
          assert.ok(sum(world.sets, replicasOf) <= replicas + maxSurge(world.deployment), 'too many pods');
          assert.ok(sum(world.sets, ({ status }) => status.availableReplicas) >= replicas - maxUnavailable(world.deployment), 'too few available');
        }
      }
      world.settle();
      const current = world.sets.filter((set) => replicasOf(set) > 0);
      assert.ok(current.length <= 1);
      assert.equal(sum(world.sets, replicasOf), replicas);
      if (replicas > 0) assert.equal(current[0]?.spec.template.spec.containers[0]?.image, `v${updates}`);
    }),
    { numRuns: 300 },
  );
});
