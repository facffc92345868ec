import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { backoffKey, planPod } from './plan-pod.ts';
import type { PodPlan } from './plan-pod.ts';
import { podOf, record, runtimeOf, sandbox, viewOf } from './pod.fixture.ts';
import type { PodRuntime } from './pod-runtime.ts';

const main = { name: 'main', image: 'x' };
const init = { name: 'init', image: 'x' };
const sidecar = { name: 'side', image: 'x', restartPolicy: 'Always' };

function told(plan: PodPlan): Record<string, unknown> {
  return {
    ...(plan.killPod === undefined ? {} : { killPod: plan.killPod }),
    ...(plan.createSandbox === undefined ? {} : { sandbox: plan.createSandbox }),
    ...(plan.kills.length === 0 ? {} : { kills: plan.kills.map(({ record: each, because }) => `${each.id} ${because}`) }),
    ...(plan.starts.length === 0 ? {} : { starts: plan.starts.map(({ container, attempt }) => `${container.name}-${attempt}`) }),
    ...(plan.waiting.size === 0 ? {} : { waiting: [...plan.waiting.keys()] }),
    ...(plan.isFinished ? { finished: true } : {}),
  };
}

const empty: PodRuntime = { sandboxes: [], containers: [] };
const ended = (name: string, exitCode: number, attempt = 0) => record(name, { state: 'exited', exitCode, attempt });

describe('planPod', () => {
  const cases: readonly (readonly [name: string, spec: Parameters<typeof podOf>[0], runtime: PodRuntime, expected: object])[] = [
    ['makes a sandbox first', { containers: [main] }, empty, { sandbox: 0 }],
    ['makes the next sandbox when the old one has gone down', { containers: [main] }, runtimeOf([], [{ ...sandbox, isReady: false }]), { sandbox: 1 }],
    ['takes a sandbox without an address down', { containers: [main] }, runtimeOf([], [{ ...sandbox, ips: [] }]), { killPod: 'sandbox changed', sandbox: 1 }],
    ['needs no address on the host network', { containers: [main], hostNetwork: true }, runtimeOf([], [{ ...sandbox, ips: [] }]), { starts: ['main-0'] }],
    ['starts all containers at once', { containers: [main, { ...main, name: 'two' }] }, runtimeOf([]), { starts: ['main-0', 'two-0'] }],
    ['does nothing while all run', { containers: [main] }, runtimeOf([record('main')]), {}],
    ['starts init containers before the others', { containers: [main], initContainers: [init] }, runtimeOf([]), { starts: ['init-0'] }],
    ['waits for an init container', { containers: [main], initContainers: [init] }, runtimeOf([record('init')]), {}],
    ['goes on when it has succeeded', { containers: [main], initContainers: [init] }, runtimeOf([ended('init', 0)]), { starts: ['main-0'] }],
    ['runs a failed init container again', { containers: [main], initContainers: [init] }, runtimeOf([ended('init', 1)]), { starts: ['init-1'] }],
    ['fails the pod with its init container under Never', { containers: [main], initContainers: [init], restartPolicy: 'Never' }, runtimeOf([ended('init', 1)]), { killPod: 'finished', finished: true }],
    ['runs init containers again in a new sandbox', { containers: [main], initContainers: [init] },
      runtimeOf([ended('init', 0), ended('main', 1)], [{ ...sandbox, id: 's1', attempt: 1 }, { ...sandbox, isReady: false }]), { starts: ['init-1'] }],
    ['restarts what has ended', { containers: [main] }, runtimeOf([ended('main', 0)]), { starts: ['main-1'] }],
    ['lets what has succeeded be under OnFailure', { containers: [main], restartPolicy: 'OnFailure' }, runtimeOf([ended('main', 0)]), { killPod: 'finished', finished: true }],
    ['restarts what has failed under OnFailure', { containers: [main], restartPolicy: 'OnFailure' }, runtimeOf([ended('main', 1)]), { starts: ['main-1'] }],
    ['does not run a finished pod again when its sandbox has gone', { containers: [main], restartPolicy: 'Never' }, runtimeOf([ended('main', 1)], [{ ...sandbox, isReady: false }]), { finished: true }],
    ['goes on while one of two still runs', { containers: [main, { ...main, name: 'two' }], restartPolicy: 'Never' }, runtimeOf([ended('main', 0), record('two')]), {}],
    ['starts a sidecar and waits for it', { containers: [main], initContainers: [sidecar] }, runtimeOf([]), { starts: ['side-0'] }],
    ['starts the others once the sidecar has started', { containers: [main], initContainers: [sidecar] }, runtimeOf([record('side')]), { starts: ['main-0'] }],
    ['restarts a sidecar beside running containers', { containers: [main], initContainers: [sidecar] }, runtimeOf([ended('side', 0), record('main')]), { starts: ['side-1'] }],
    ['does not let a sidecar keep a finished pod alive', { containers: [main], initContainers: [sidecar], restartPolicy: 'Never' }, runtimeOf([record('side'), ended('main', 0)]), { killPod: 'finished', finished: true }],
    ['follows a changed image', { containers: [{ ...main, image: 'y' }] }, runtimeOf([record('main')]), { kills: ['main-0 definition'] }],
    ['restarts by a rule of the container', { containers: [{ ...main, restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }], restartPolicy: 'Never' }, runtimeOf([ended('main', 42)]), { starts: ['main-1'] }],
    ['starts an ephemeral container once', { containers: [main], ephemeralContainers: [{ name: 'debug', image: 'x' }] }, runtimeOf([record('main')]), { starts: ['debug-0'] }],
    ['never restarts an ephemeral container', { containers: [main], ephemeralContainers: [{ name: 'debug', image: 'x' }] }, runtimeOf([record('main'), ended('debug', 1)]), {}],
  ];
  for (const [name, spec, runtime, expected] of cases) {
    test(name, () => assert.deepEqual(told(planPod(viewOf(podOf(spec), runtime))), expected));
  }

  const watch = { ...main, name: 'watch', restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }] };
  const again: readonly (readonly [name: string, containers: Parameters<typeof runtimeOf>[0], expected: object])[] = [
    ['ends everything when a rule wants all to start anew', [ended('init', 0), record('main'), ended('watch', 88)], { kills: ['main-0 restart of all'] }],
    ['runs init containers again when everything has ended', [ended('init', 0), ended('main', 137), ended('watch', 88)], { starts: ['init-1'] }],
    ['waits for them', [record('init', { attempt: 1, createdAtMs: 3000 }), ended('init', 0), ended('main', 137), ended('watch', 88)], {}],
    ['then starts the others, whatever their policy', [record('init', { state: 'exited', attempt: 1, createdAtMs: 3000 }), ended('init', 0), ended('main', 137), ended('watch', 88)], { starts: ['main-1', 'watch-1'] }],
    ['is done when all run again', [record('init', { state: 'exited', attempt: 1, createdAtMs: 3000 }), record('main', { attempt: 1, createdAtMs: 3000 }), record('watch', { attempt: 1, createdAtMs: 3000 }), ended('main', 137), ended('watch', 88)], {}],
    ['follows the policy for other exits', [ended('init', 0), record('main'), ended('watch', 1)], {}],
  ];
  for (const [name, containers, expected] of again) {
    test(name, () => assert.deepEqual(told(planPod(viewOf(podOf({ containers: [main, watch], initContainers: [init], restartPolicy: 'Never' }), runtimeOf(containers)))), expected));
  }

  test('makes a container that fails too often wait, and says until when', () => {
    const backoffs = new Map([[backoffKey(main), { delayMs: 20_000, updatedAtMs: 1500 }]]);
    const plan = planPod(viewOf(podOf({ containers: [main] }), runtimeOf([ended('main', 1)]), { backoffs }));
    assert.deepEqual(told(plan), { waiting: ['main'] });
    assert.equal(plan.recheckAtMs, 22_000);
    assert.equal(plan.waiting.get('main')?.message, 'back-off 20s restarting failed container=main pod=web_default(uid-1)');
  });

  test('kills what its probes have given up', () => {
    const probes = { isStarted: () => true, failed: () => 'liveness' as const };
    assert.deepEqual(told(planPod(viewOf(podOf({ containers: [main] }), runtimeOf([record('main')]), { probes }))), { kills: ['main-0 liveness'] });
  });

  test('counts on from the status when the runtime has forgotten', () => {
    const plan = planPod(viewOf(podOf({ containers: [main] }), runtimeOf([]), { restartCounts: new Map([['main', 4]]) }));
    assert.deepEqual(told(plan), { starts: ['main-5'] });
  });

  test('never starts a container that runs, nor anything without a sandbox', () => {
    const states = ['running', 'exited', 'created', 'unknown'] as const;
    const records = fc.array(fc.record({ name: fc.constantFrom('main', 'init', 'side'), attempt: fc.nat(3), state: fc.constantFrom(...states), exitCode: fc.nat(2) }), { maxLength: 6 });
    fc.assert(fc.property(records, fc.boolean(), fc.constantFrom('Always' as const, 'OnFailure' as const, 'Never' as const), (generated, isReady, restartPolicy) => {
      const runtime = runtimeOf(generated.map(({ name, ...traits }) => record(name, traits)), [{ ...sandbox, isReady }]);
      const plan = planPod(viewOf(podOf({ containers: [main], initContainers: [init, sidecar], restartPolicy }), runtime));
      if (!isReady) assert.equal(plan.starts.length, 0);
      for (const { container } of plan.starts) assert.notEqual(runtime.containers.find(({ name }) => name === container.name)?.state, 'running');
      if (plan.isFinished) assert.deepEqual([plan.starts, plan.kills, plan.createSandbox], [[], [], undefined]);
    }));
  });
});
