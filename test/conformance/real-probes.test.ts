/** Probes and hooks: the same behaviours as in containers.test.ts, shown by real servers in real containers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe } from 'node:test';
import { Event } from '#api/core/event.ts';
import { Pod } from '#api/core/pod.ts';
import type { Given } from '#apimachinery/resource.ts';
import { systemClock } from '#base/clock.ts';
import { demoImages } from '#kubelet/images/bundled-images.ts';
import type { Workspace } from './cluster.ts';
import { isReady } from './cluster.ts';
import { nodeProgram } from './node-program.ts';
import type { Container, Script } from './real-node.ts';
import { machineTests, noContainers, startRealNode } from './real-node.ts';
import { shared } from '../support/shared.ts';

const skip = noContainers();
const timeoutMs = 40_000;
const node = shared(startRealNode, skip);

const onMachine = machineTests(node);

/** Pods are on the host's network: each server has a port of its own, and each process of tests its own range. */
let lastPort = 20_000 + (process.pid % 400) * 30;
const freePort = (): number => ++lastPort;
const restarts = ({ status }: Pod): number => status.containerStatuses?.[0]?.restartCount ?? 0;
const always = { restartPolicy: 'Always', terminationGracePeriodSeconds: 1 } as const;
/** Serves files and logs every request. */
const serve = (port: number, before1 = ''): string => `mkdir -p /www && for name in healthz poststart prestop write; do echo ok > /www/$name; done; ${before1} exec httpd -f -vv -p ${port} -h /www 2>&1`;

type Probe = Given<NonNullable<Container['livenessProbe']>>;
interface Probed {
  readonly what: Script;
  readonly probe: Probe;
  /** How often it has been asked, as far as it can tell. */
  readonly asked: (w: Workspace) => Promise<number>;
}
const quickly = { initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 1 } as const;
const lines = (text: string, pattern: RegExp): number => text.split('\n').filter((line) => pattern.test(line)).length;
const requestsIn = async (w: Workspace, name: string, path: string): Promise<number> => lines(await node().logOf(w, name), new RegExp(`url:${path}$`));

/** A container that is well for ever, or for two seconds after it was first asked. */
const probed = {
  http: (isWell: boolean): Probed => {
    const port = freePort();
    return { what: { script: serve(port, isWell ? '' : '(sleep 3; rm /www/healthz) &') }, probe: { httpGet: { path: '/healthz', port } }, asked: (w) => requestsIn(w, 'p', '/healthz') };
  },
  tcp: (): Probed => {
    const port = freePort();
    // Every connection is one line of the log.
    return { what: { script: `while true; do nc -l -p ${port} < /dev/null; echo asked; done` }, probe: { tcpSocket: { port }, failureThreshold: 3 }, asked: async (w) => lines(await node().logOf(w, 'p'), /asked/) };
  },
  exec: (isWell: boolean): Probed => ({
    what: { script: `touch /tmp/health; ${isWell ? '' : 'sleep 3; rm /tmp/health;'} exec sleep 600` },
    probe: { exec: { command: ['sh', '-c', 'echo asked >> /tmp/asked; cat /tmp/health'] } }, asked: async (w) => lines(await node().exec(w, 'p', 'cat /tmp/asked 2>/dev/null || true'), /asked/),
  }),
  grpc: (isWell: boolean): Probed => {
    const port = freePort();
    const { containers, ...spec } = nodeProgram({ folder: join(import.meta.dirname, '../support/programs'), file: 'grpc-health.ts', args: [String(port), ...(isWell ? [] : ['4000'])], image: demoImages[0] });
    const [container] = containers ?? [];
    assert.ok(container !== undefined);
    const started = systemClock.monotonicMs();
    // It does not count: what matters is that it has been asked for some seconds.
    return { what: { container, spec }, probe: { grpc: { port }, failureThreshold: 2 }, asked: () => Promise.resolve(Math.floor((systemClock.monotonicMs() - started) / 1000)) };
  },
};

describe('conformance: probes and hooks of real containers', { skip, concurrency: true }, () => {
  describe('conformance: liveness of real containers', { concurrency: 4 }, () => {
    const start = (w: Workspace, { what, probe }: Probed): Promise<Pod> => w.client.create(Pod, node().pod(w, 'p', { ...what, container: { ...what.container, livenessProbe: { ...quickly, ...probe } }, spec: { ...what.spec, ...always } }));
    const staysUp = async (w: Workspace, what: Probed): Promise<void> => {
      await start(w, what);
      await node().until(w, 'p', isReady);
      await w.eventually(async () => await what.asked(w).catch(() => 0) >= 5, 200);
      assert.equal(restarts(await w.client.get(Pod, w.key('p'))), 0);
    };
    const isRestarted = async (w: Workspace, what: Probed): Promise<void> => {
      await start(w, what);
      const pod = await node().until(w, 'p', (each) => restarts(each) === 1);
      assert.notEqual(pod.status.containerStatuses?.[0]?.lastState.terminated, undefined);
      await w.eventually(async () => (await w.client.list(Event, { namespace: w.namespace })).items.some((each) => each.reason === 'Unhealthy' && each.message?.startsWith('Liveness probe failed') === true), 100);
      await w.eventually(async () => (await w.client.list(Event, { namespace: w.namespace })).items.some((each) => each.reason === 'Killing' && each.message?.includes('failed liveness probe, will be restarted') === true), 100);
    };
    const name = (what: string): string => `[sig-node] Probing container should ${what} liveness probe [NodeConformance] [Conformance]`;
    onMachine(name('*not* be restarted with a /healthz http'), (w) => staysUp(w, probed.http(true)));
    onMachine(name('*not* be restarted with a tcp:8080'), (w) => staysUp(w, probed.tcp()));
    onMachine(name('*not* be restarted with a exec "cat /tmp/health"'), (w) => staysUp(w, probed.exec(true)));
    onMachine(name('*not* be restarted with a GRPC'), (w) => staysUp(w, probed.grpc(true)));
    onMachine(name('be restarted with a /healthz http'), (w) => isRestarted(w, probed.http(false)));
    onMachine(name('be restarted with a exec "cat /tmp/health"'), (w) => isRestarted(w, probed.exec(false)));
    onMachine(name('be restarted with a GRPC'), (w) => isRestarted(w, probed.grpc(false)));
  });

  describe('conformance: readiness of real containers', { concurrency: 1 }, () => {
    onMachine('[sig-node] Probing container with readiness probe should not be ready before initial delay and never restart [NodeConformance] [Conformance]', async (w) => {
      const { what, probe } = probed.http(true);
      await w.client.create(Pod, node().pod(w, 'p', { ...what, container: { readinessProbe: { ...quickly, ...probe, initialDelaySeconds: 5 } }, spec: always }));
      const pod = await node().until(w, 'p', isReady);
      const started = Date.parse(pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? '');
      const ready = Date.parse(pod.status.conditions?.find((each) => each.type === 'Ready')?.lastTransitionTime ?? '');
      // Both are whole seconds.
      assert.ok(ready - started >= 4000, `ready ${ready - started} ms after its start`);
      assert.equal(restarts(pod), 0);
    });
    onMachine('[sig-node] Probing container with readiness probe that fails should never be ready and never restart [NodeConformance] [Conformance]', async (w) => {
      const port = freePort();
      await w.client.create(Pod, node().pod(w, 'p', { script: serve(port, 'rm /www/healthz;'), container: { readinessProbe: { ...quickly, httpGet: { path: '/healthz', port } } }, spec: always }));
      await w.eventually(async () => await requestsIn(w, 'p', '/healthz').catch(() => 0) >= 5, 200);
      const pod = await w.client.get(Pod, w.key('p'));
      assert.deepEqual([pod.status.phase, isReady(pod), restarts(pod)], ['Running', false, 0]);
    });
  });

  describe('conformance: hooks of real containers', { concurrency: 2 }, () => {
    /** A pod that hears what hooks have to say. */
    const listener = async (w: Workspace): Promise<number> => {
      const port = freePort();
      await w.client.create(Pod, node().pod(w, 'listener', { script: serve(port), container: { readinessProbe: { ...quickly, initialDelaySeconds: 0, tcpSocket: { port } } }, spec: always }));
      await node().until(w, 'listener', isReady);
      return port;
    };
    const handlers = {
      exec: (port: number, path: string) => ({ exec: { command: ['sh', '-c', `wget -q -O - 'http://127.0.0.1:${port}${path}'`] } }),
      http: (port: number, path: string) => ({ httpGet: { path, port, host: '127.0.0.1' } }),
    };
    const isGone = async (w: Workspace, name: string): Promise<void> => void await node().cluster.until(Pod, w.key(name), (pod) => pod === undefined, { timeoutMs });
    for (const kind of ['exec', 'http'] as const) {
      onMachine(`[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart ${kind} hook properly [NodeConformance] [Conformance]`, async (w) => {
        const port = await listener(w);
        await w.client.create(Pod, node().pod(w, 'p', { script: 'exec sleep 600', container: { lifecycle: { postStart: handlers[kind](port, '/poststart') } }, spec: always }));
        await node().until(w, 'p', isReady);
        assert.equal(await requestsIn(w, 'listener', '/poststart'), 1);
      });
      onMachine(`[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop ${kind} hook properly [NodeConformance] [Conformance]`, async (w) => {
        const port = await listener(w);
        await w.client.create(Pod, node().pod(w, 'p', { script: 'exec sleep 600', container: { lifecycle: { preStop: handlers[kind](port, '/prestop') } }, spec: { ...always, terminationGracePeriodSeconds: 3 } }));
        await node().until(w, 'p', isReady);
        assert.equal(await requestsIn(w, 'listener', '/prestop'), 0);
        await w.client.delete(Pod, w.key('p'));
        await isGone(w, 'p');
        assert.equal(await requestsIn(w, 'listener', '/prestop'), 1);
      });
    }
    onMachine('[sig-node] PreStop should call prestop when killing a pod [Conformance]', async (w) => {
      const port = await listener(w);
      // It may still speak to others after it was told to go, before it is ended.
      const preStop = { exec: { command: ['sh', '-c', `wget -q -O - http://127.0.0.1:${port}/write; echo stopping > /proc/1/fd/1`] } };
      await w.client.create(Pod, node().pod(w, 'tester', { script: 'trap "exit 0" TERM; while true; do sleep 0.1; done', container: { lifecycle: { preStop } }, spec: { ...always, terminationGracePeriodSeconds: 10 } }));
      await node().until(w, 'tester', isReady);
      await w.client.delete(Pod, w.key('tester'));
      await isGone(w, 'tester');
      assert.equal(await requestsIn(w, 'listener', '/write'), 1);
    });
  });
});
