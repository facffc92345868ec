/** A node with real containers: containerd, files, control groups. Pods are on the host's network, so that no CNI is needed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { Pod } from '#api/core/pod.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { ComponentContext } from '#client/component.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { connectRuntime } from '#kubelet/cri/grpc.ts';
import { buildBundledImages, demoImages, pauseImage } from '#kubelet/images/bundled-images.ts';
import { startKubelet } from '#kubelet/kubelet.ts';
import { machinePlatform } from '#kubelet/machine-platform.ts';
import { purgeContainerd, startContainerd } from '#kubelet/runtime/containerd.ts';
import { removeCgroup } from '#kubelet/volumes/cgroups.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { workspaceTests } from './cluster.ts';

/** Why there can be no real containers here; false when there can. For `skip`. */
export function noContainers(): string | false {
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

type Spec = Given<Pod['spec']>;
export type Container = NonNullable<Spec['containers']>[number];
/** Of a pod of one container that runs a script of the shell. */
export interface Script {
  readonly script?: string;
  readonly container?: Partial<Container>;
  readonly spec?: Spec;
}

export interface RealNode {
  readonly cluster: TestCluster;
  /** A pod of this node. It ends with its script. */
  pod(w: Workspace, name: string, what: Script): Given<Pod>;
  /** Runs a pod to its end, which must be a good one; what it said. */
  outputOf(w: Workspace, what: Script, name?: string): Promise<string>;
  logOf(w: Workspace, name: string, container?: string): Promise<string>;
  /** Runs a command in a running container. */
  exec(w: Workspace, name: string, script: string, container?: string): Promise<string>;
  until(w: Workspace, name: string, condition: (pod: Pod) => boolean): Promise<Pod>;
  /** Makes an image known to the node. */
  addImage(archive: Buffer): Promise<void>;
  close(): Promise<void>;
}

const nodeName = 'machine';
/** Everybody else may be at work as well. */
const timeoutMs = 40_000;

export async function startRealNode(): Promise<RealNode> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-conformance-'));
  const cgroupRoot = `/skiff-conformance-${process.pid}`;
  const containerdOptions = { rootDir: join(directory, 'root'), runDir: join(directory, 'run'), cniConfDir: join(directory, 'cni'), sandboxImage: pauseImage };
  const shared = { clock: systemClock, random: systemRandom, log: silentLog };
  const containerd = await startContainerd(containerdOptions, shared);
  for (const image of await buildBundledImages(join(directory, 'images'))) await containerd.importImage(image.file);
  const connection = connectRuntime(containerd.endpoint, shared);
  const cluster = await startCluster({ nodes: 0 });
  const { client } = cluster;
  const informers = createSharedInformers({ client, ...shared });
  const context: ComponentContext = { ...shared, client, informers, recorderFor: (component, from) => createEventRecorder({ client, ...shared }, component, from) };
  const places = { rootDir: join(directory, 'kubelet'), runDir: join(directory, 'volatile'), logDir: join(directory, 'logs') };
  await Promise.all(Object.values(places).map((place) => mkdir(place, { recursive: true })));
  const platform = await machinePlatform(context, { connection, nodeName, cgroupRoot, nodeIps: ['127.0.0.1'], ...places });
  const kubelet = startKubelet(context, { nodeName, platform });
  await kubelet.ready;
  // The kubelet's own timers do not keep a process alive.
  const keepAlive = setInterval(() => {}, 1000);

  let images = 0;
  const pod: RealNode['pod'] = (w, name, { script, container, spec }) => ({
    ...w.pod(name),
    spec: {
      nodeName, hostNetwork: true, restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, ...spec,
      containers: [{ name: 'c', image: demoImages[0], imagePullPolicy: 'IfNotPresent', ...(script !== undefined && { command: ['sh', '-c', script] }), ...container }, ...(spec?.containers ?? [])],
    },
  });
  const until: RealNode['until'] = async (w, name, condition) => {
    const found = await cluster.until(Pod, w.key(name), (each) => each !== undefined && condition(each), { timeoutMs });
    assert.ok(found !== undefined);
    return found;
  };
  const logOf: RealNode['logOf'] = async (w, name, container = 'c') => {
    let text = '';
    for await (const chunk of await kubelet.handle.containerLogs({ namespace: w.namespace, pod: name, container }, {}, AbortSignal.timeout(timeoutMs))) text += Buffer.from(chunk).toString();
    return text;
  };
  return {
    cluster, pod, until, logOf,
    async outputOf(w, what, name = 'p') {
      await client.create(Pod, pod(w, name, what));
      const { status } = await until(w, name, (each) => each.status.phase === 'Succeeded' || each.status.phase === 'Failed');
      const text = await logOf(w, name);
      assert.equal(status.phase, 'Succeeded', `${JSON.stringify(status.containerStatuses)}\n${text}`);
      return text;
    },
    async exec(w, name, script, container = 'c') {
      let text = '';
      await kubelet.handle.exec({ namespace: w.namespace, pod: name, container }, { command: ['sh', '-c', script] }, { stdout: (chunk) => void (text += Buffer.from(chunk).toString()) }, AbortSignal.timeout(timeoutMs));
      return text;
    },
    async addImage(archive) {
      const file = join(directory, 'images', `${++images}.tar`);
      await writeFile(file, archive);
      await containerd.importImage(file);
    },
    async close() {
      await kubelet.close();
      await informers.close();
      await platform.close();
      await cluster.close();
      connection.close();
      await purgeContainerd(containerdOptions, shared);
      await removeCgroup(cgroupRoot);
      await rm(directory, { recursive: true, force: true });
      clearInterval(keepAlive);
    },
  };
}

/** Tests on a real node: its containers are gone before the next. */
export function machineTests(nodeOf: () => RealNode): ReturnType<typeof workspaceTests> {
  return workspaceTests(() => nodeOf().cluster, async ({ client, namespace }) => {
    await client.deleteCollection(Pod, { namespace, gracePeriodSeconds: 0 });
  });
}
