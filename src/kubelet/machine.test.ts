/** The kubelet on the real machine: containerd, files, control groups. Pods are on the host's network, so that no CNI is needed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { isReady } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import type { ComponentContext } from '#client/component.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { connectRuntime } from './cri/grpc.ts';
import type { RuntimeConnection } from './cri/grpc.ts';
import { buildBundledImages, demoImages, pauseImage } from './images/bundled-images.ts';
import { startKubelet } from './kubelet.ts';
import type { RunningKubelet } from './kubelet.ts';
import { machinePlatform } from './machine-platform.ts';
import { purgeContainerd, startContainerd } from './runtime/containerd.ts';
import { removeCgroup } from './volumes/cgroups.ts';

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['containerd', 'runc', 'ctr']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch {
      return `${program} is not installed`;
    }
  }
  return false;
}

const target = { namespace: 'default', pod: 'web' };

describe('a pod on the real machine', { skip: reasonToSkip() }, () => {
  const client = createClient(new MemoryTransport());
  const shared = { client, clock: systemClock, random: systemRandom, log: silentLog };
  const cgroupRoot = `/skiff-machine-${process.pid}`;
  let directory = '';
  let connection: RuntimeConnection;
  let kubelet: RunningKubelet;
  let stop: () => Promise<void>;
  const containerdOptions = () => ({ rootDir: join(directory, 'root'), runDir: join(directory, 'run'), cniConfDir: join(directory, 'cni'), sandboxImage: pauseImage });
  // The kubelet's own timers do not keep a process alive.
  const keepAlive = setInterval(() => {}, 1000);

  const start = async (): Promise<void> => {
    const informers = createSharedInformers(shared);
    const context: ComponentContext = { ...shared, informers, recorderFor: (component, from) => createEventRecorder(shared, component, from) };
    const places = { rootDir: join(directory, 'kubelet'), runDir: join(directory, 'volatile'), logDir: join(directory, 'logs') };
    await Promise.all(Object.values(places).map((place) => mkdir(place, { recursive: true })));
    const platform = await machinePlatform(context, { connection, nodeName: 'n1', cgroupRoot, nodeIps: ['127.0.0.1'], ...places });
    kubelet = startKubelet(context, { nodeName: 'n1', platform });
    await kubelet.ready;
    stop = async () => {
      await kubelet.close();
      await informers.close();
      await platform.close();
    };
  };
  const until = async <T>(look: () => Promise<T>, isIt: (found: T) => boolean): Promise<T> => {
    for (let tries = 0; ; tries++) {
      const found = await look();
      if (isIt(found)) return found;
      if (tries > 400) throw new Error(`it does not come: ${JSON.stringify(found)}`);
      await systemClock.sleep(25);
    }
  };
  const pod = (): Promise<Pod> => client.get<Pod>(Pod, { namespace: 'default', name: 'web' });
  const run = async (...command: readonly string[]): Promise<string> => {
    let output = '';
    await kubelet.handle.exec(target, { command }, { stdout: (chunk) => void (output += Buffer.from(chunk).toString()) }, AbortSignal.timeout(5000));
    return output.trim();
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skiff-machine-'));
    const containerd = await startContainerd(containerdOptions(), shared);
    for (const image of await buildBundledImages(join(directory, 'images'))) await containerd.importImage(image.file);
    connection = connectRuntime(containerd.endpoint, shared);
    await start();
  });
  after(async () => {
    await stop();
    connection.close();
    await purgeContainerd(containerdOptions(), shared);
    await removeCgroup(cgroupRoot);
    await rm(directory, { recursive: true, force: true });
    clearInterval(keepAlive);
  });

  test('runs and becomes ready with its variables, files, limits and user', async () => {
    await client.create(ConfigMap, { metadata: { namespace: 'default', name: 'settings' }, data: { colour: 'red' } });
    await client.create(Pod, {
      metadata: { namespace: 'default', name: 'web', labels: { app: 'web' } },
      spec: {
        nodeName: 'n1', hostNetwork: true, restartPolicy: 'Always', terminationGracePeriodSeconds: 1, securityContext: { runAsUser: 1000, fsGroup: 2000 },
        containers: [{
          name: 'app', image: demoImages[0], imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'echo started in $COLOUR; echo second; trap "exit 0" TERM; while :; do sleep 0.1; done'],
          env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }],
          resources: { limits: { memory: '64Mi' } },
          readinessProbe: { exec: { command: ['test', '-r', '/settings/colour'] }, periodSeconds: 1 },
          volumeMounts: [{ name: 'settings', mountPath: '/settings' }, { name: 'scratch', mountPath: '/scratch' }],
        }],
        volumes: [{ name: 'settings', configMap: { name: 'settings' } }, { name: 'scratch', emptyDir: {} }],
      },
      status: {},
    });
    const ready = await until(pod, isReady);
    assert.equal(ready.status.phase, 'Running');
    assert.equal(await run('id', '-u'), '1000');
    assert.equal(await run('cat', '/settings/colour'), 'red');
    assert.equal(await run('sh', '-c', 'touch /scratch/x && stat -c %g /scratch/x'), '2000');
  });

  test('shows its log', async () => {
    let text = '';
    for await (const chunk of await kubelet.handle.containerLogs(target, { tailLines: 2 }, AbortSignal.timeout(5000))) text += Buffer.from(chunk).toString();
    assert.equal(text, 'started in red\nsecond\n');
  });

  test('sees a changed ConfigMap without a restart', async () => {
    await client.patch(ConfigMap, { namespace: 'default', name: 'settings' }, { type: 'merge', patch: { data: { colour: 'blue' } } });
    await until(() => run('cat', '/settings/colour'), (text) => text === 'blue');
  });

  test('lives on when the kubelet is restarted', async () => {
    const earlier = (await pod()).status.containerStatuses?.[0]?.containerID;
    await stop();
    await start();
    await until(() => Promise.resolve(kubelet.handle.pods()), (pods) => pods.length === 1);
    assert.equal(await until(() => run('cat', '/settings/colour').catch(() => ''), (text) => text !== ''), 'blue');
    const [status] = (await pod()).status.containerStatuses ?? [];
    assert.deepEqual([status?.containerID, status?.restartCount, status?.ready], [earlier, 0, true]);
  });

  test('is restarted when its container dies, and tells how that ended', async () => {
    const id = (await pod()).status.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
    await connection.runtime.stopContainer(id, 0);
    const again = await until(pod, (found) => found.status.containerStatuses?.[0]?.restartCount === 1 && isReady(found));
    assert.equal(again.status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 137);
  });

  test('leaves nothing when it is deleted', async () => {
    await client.delete(Pod, { namespace: 'default', name: 'web' });
    await until(() => connection.runtime.listPodSandbox(), (sandboxes) => sandboxes.length === 0);
    for (const place of ['kubelet/pods', 'volatile/pods', 'logs']) {
      await until(() => readdir(join(directory, place)).catch(() => []), (names) => names.length === 0);
    }
    await until(() => access(`/sys/fs/cgroup/memory${cgroupRoot}/kubepods/burstable`).then(() => readdir(`/sys/fs/cgroup/memory${cgroupRoot}/kubepods/burstable`), () => []),
      (names) => !names.some((name) => name.startsWith('pod')));
  });
});
