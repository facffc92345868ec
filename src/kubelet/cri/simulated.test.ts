import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { criContract } from './cri.contract.ts';
import type { ContainerEvent, PodSandboxConfig } from './records.ts';
import { SimulatedRuntime } from './simulated.ts';
import type { ContainerBehaviour } from './simulated.ts';

/** Acts out the few scripts of the contract. */
function shell(command: readonly string[] = []): ContainerBehaviour {
  const script = command.at(-1) ?? '';
  const exit = /^exit (\d+)$/.exec(script);
  return {
    ...(exit === null ? {} : { exitAfterMs: 5, exitCode: Number(exit[1]) }),
    ...(script.startsWith("trap ''") ? { stopAfterMs: Infinity } : {}),
    exec: () => ({ stdout: 'out\n', stderr: 'err\n', exitCode: 4 }),
  };
}

criContract('the simulated runtime', async () => {
  const clock = new SimulatedClock();
  const runtime = new SimulatedRuntime({ clock, random: seededRandom(1), podCidr: '10.244.1.0/24', behaviour: ({ config }) => shell(config.command) });
  return { runtime, images: runtime.images, image: 'skiff.dev/hello:1.0', clock, pass: (ms) => clock.advance(ms), logDirectory: '', cgroupParent: '', close: async () => {} };
});

function pod(name: string): PodSandboxConfig {
  return { metadata: { name, namespace: 'default', uid: name, attempt: 0 } };
}

test('pods get addresses of the range, and a freed one is given again only after all others', async () => {
  const runtime = new SimulatedRuntime({ clock: new SimulatedClock(), random: seededRandom(1), podCidr: '10.244.1.0/29' });
  const ips: (string | undefined)[] = [];
  for (const name of ['a', 'b', 'c']) {
    const id = await runtime.runPodSandbox(pod(name));
    ips.push((await runtime.podSandboxStatus(id)).network?.ip);
    if (name === 'a') await runtime.removePodSandbox(id);
  }
  assert.deepEqual(ips, ['10.244.1.2', '10.244.1.3', '10.244.1.4']);
});

test('every step of a container is told as an event', async () => {
  const clock = new SimulatedClock();
  const runtime = new SimulatedRuntime({ clock, random: seededRandom(1), podCidr: '10.244.1.0/24', behaviour: () => ({ exitAfterMs: 1000, exitCode: 2 }) });
  const stop = new AbortController();
  const seen: ContainerEvent[] = [];
  const watching = (async () => {
    for await (const event of runtime.containerEvents(stop.signal)) seen.push(event);
  })();
  await clock.advance(0);
  const podSandboxId = await runtime.runPodSandbox(pod('a'));
  const id = await runtime.createContainer({ podSandboxId, sandboxConfig: pod('a'), config: { metadata: { name: 'c', attempt: 0 }, image: { image: 'x' } } });
  await runtime.startContainer(id);
  await clock.advance(1000);
  stop.abort();
  await watching;
  assert.deepEqual(
    seen.filter((event) => event.containerId === id).map((event) => event.containerEventType),
    ['CONTAINER_CREATED_EVENT', 'CONTAINER_STARTED_EVENT', 'CONTAINER_STOPPED_EVENT'],
  );
  assert.equal(seen.at(-1)?.containersStatuses[0]?.exitCode, 2);
});

test('an image that cannot be pulled says why', async () => {
  const runtime = new SimulatedRuntime({ clock: new SimulatedClock(), random: seededRandom(1), pull: () => ({ error: 'no such host' }) });
  await assert.rejects(runtime.images.pullImage({ image: 'x' }), /no such host/);
});

test('while containers run nothing is due', async () => {
  const clock = new SimulatedClock();
  const runtime = new SimulatedRuntime({ clock, random: seededRandom(1), podCidr: '10.244.0.0/16' });
  for (let n = 0; n < 100; n++) {
    const podSandboxId = await runtime.runPodSandbox(pod(`p${n}`));
    await runtime.startContainer(await runtime.createContainer({ podSandboxId, sandboxConfig: pod(`p${n}`), config: { metadata: { name: 'c', attempt: 0 }, image: { image: 'x' } } }));
  }
  assert.equal(clock.nextDueMs(), undefined);
});
