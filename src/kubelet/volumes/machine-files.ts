import { chmod, chown, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { value as quantityValue } from '#apimachinery/quantity.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import type { Container, VolumeMount } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import type { Volume } from '#api/core/volume.ts';
import type { Client } from '#client/client.ts';
import type { RuntimeService } from '../cri/cri.ts';
import type { Mount } from '../cri/records.ts';
import { defaultRotation, rotateLog } from '../logs/log-rotation.ts';
import { readLog } from '../logs/read-log.ts';
import { VolumeError } from '../platform.ts';
import type { MountOptions, PodFacts, PodFiles, PreparedVolumes } from '../platform.ts';
import { ContainerConfigError, expandVariables } from '../pod/environment.ts';
import { mountsBelow, run } from '../runtime/machine.ts';
import { writeAtomically } from './atomic-writer.ts';
import { podCgroup, prepareCgroup, removeCgroupOf } from './cgroups.ts';
import { ObjectWatch } from './object-watch.ts';
import { ImageVolumes } from './image-volumes.ts';
import { isMadeOfFiles, planVolumeFiles, tokenKey, volumeReferences } from './plan-files.ts';
import { TokenSource } from './token-source.ts';

export interface MachineFilesOptions {
  /** Pods' directories with what must survive a reboot (emptyDir). */
  readonly rootDir: string;
  /** For what comes from the API, secrets among it; best on a tmpfs. */
  readonly runDir: string;
  readonly logDir: string;
  /** Below which group pods are counted; `/` or one per cluster. */
  readonly cgroupRoot: string;
}

export interface MachineFilesDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly runtime: RuntimeService;
  /** Where the runtime listens. Default: it mounts images itself. */
  readonly socket?: string;
}

/** The original's limits for a container's last words. */
const maxMessageBytes = 4096;
const maxLogMessageBytes = 2048;
const maxLogMessageLines = 80;

/** Directories, volumes and logs on the real machine. */
export class MachineFiles implements PodFiles {
  readonly #options: MachineFilesOptions;
  readonly #dependencies: MachineFilesDependencies;
  readonly #objects: ObjectWatch;
  readonly #tokens: TokenSource;
  readonly #images: ImageVolumes;
  #onChange: (podUid: string) => void = () => {};
  /** Pods with an update of their volumes under way, and what they were made with. */
  readonly #prepared = new Map<string, { readonly pod: Pod; readonly facts: PodFacts }>();

  /** Pods whose volumes are being prepared; resolves when that is over. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: MachineFilesOptions, dependencies: MachineFilesDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#tokens = new TokenSource(dependencies);
    this.#images = new ImageVolumes({ runtime: dependencies.runtime, socket: dependencies.socket });
    this.#objects = new ObjectWatch({ ...dependencies, onChange: (holders) => this.#update(holders) });
  }

  readonly logDirectory = (pod: Pod): string => join(this.#options.logDir, logDirectoryName(pod.metadata));

  async prepareCgroup(pod: Pod, resources: Parameters<typeof prepareCgroup>[1]): Promise<string> {
    const path = podCgroup(this.#options.cgroupRoot, pod);
    await prepareCgroup(path, resources);
    return path;
  }

  onVolumeChange(callback: (podUid: string) => void): void {
    this.#onChange = callback;
  }

  /** One after the other for each pod: of two at once, the one with older content might write last. */
  async prepareVolumes(pod: Pod, facts: PodFacts): Promise<PreparedVolumes> {
    const { uid } = pod.metadata;
    const preparing = (this.#turns.get(uid) ?? Promise.resolve()).then(() => this.#prepare(pod, facts));
    const turn = preparing.then(() => undefined, () => undefined);
    this.#turns.set(uid, turn);
    try {
      return await preparing;
    } finally {
      if (this.#turns.get(uid) === turn) this.#turns.delete(uid);
    }
  }

  async #prepare(pod: Pod, facts: PodFacts): Promise<PreparedVolumes> {
    const { uid } = pod.metadata;
    const volumes = pod.spec.volumes ?? [];
    const paths = new Map<string, string>();
    const references = volumeReferences(pod);
    let refreshAtMs: number | undefined;
    const tokens = new Map<string, string>();
    for (const wish of references.tokens) {
      const token = await this.#tokens.get(pod, wish);
      tokens.set(tokenKey(wish), token.token);
      refreshAtMs = Math.min(refreshAtMs ?? Infinity, token.refreshAtMs);
    }
    const lookUp = async <T>(names: readonly string[], get: (name: string) => Promise<T>): Promise<ReadonlyMap<string, T>> =>
      new Map(await Promise.all(names.map(async (name) => [name, await get(name)] as const)));
    const { namespace } = pod.metadata;
    const configMaps = await lookUp(references.configMaps, (name) => this.#objects.get<ConfigMap>(ConfigMap, namespace, name, uid));
    const secrets = await lookUp(references.secrets, (name) => this.#objects.get<Secret>(Secret, namespace, name, uid));
    this.#prepared.set(uid, { pod, facts });
    for (const volume of volumes) {
      try {
        paths.set(volume.name, isMadeOfFiles(volume)
          ? await this.#writeFiles(pod, volume, planVolumeFiles(pod, volume, { configMaps, secrets, tokens, facts }))
          : await this.#makePlace(pod, volume));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${message}`, { cause: error });
      }
    }
    return { paths, refreshAtMs };
  }

  /** Something a mounted volume shows has changed: the files follow; a pod that waits for it looks again. */
  #update(holders: Iterable<string>): void {
    for (const uid of holders) {
      const prepared = this.#prepared.get(uid);
      if (prepared === undefined) continue;
      this.prepareVolumes(prepared.pod, prepared.facts)
        .catch((error: unknown) => this.#dependencies.log.debug({ error, pod: uid }, 'volumes could not be updated yet'))
        .finally(() => this.#onChange(uid))
        .catch(() => undefined);
    }
  }

  async #writeFiles(pod: Pod, volume: Volume, files: Parameters<typeof writeAtomically>[1]): Promise<string> {
    const kind = volume.configMap !== undefined ? 'configmap' : volume.secret !== undefined ? 'secret' : volume.projected !== undefined ? 'projected' : 'downward-api';
    const directory = join(this.#options.runDir, 'pods', pod.metadata.uid, 'volumes', `kubernetes.io~${kind}`, volume.name);
    const version = new Date(this.#dependencies.clock.nowMs()).toISOString().replace(/[-:T]/g, '_').replace('Z', '');
    await writeAtomically(directory, files, { version, fsGroup: pod.spec.securityContext?.fsGroup });
    return directory;
  }

  async #makePlace(pod: Pod, { name, emptyDir, hostPath, image }: Volume): Promise<string> {
    if (hostPath !== undefined) return checkHostPath(hostPath.path, hostPath.type ?? '');
    // It is filled when a container starts: only then is the image there.
    if (image !== undefined) return this.#imagePlace(pod.metadata.uid, name);
    if (emptyDir === undefined) throw new VolumeError('the volume is of a kind that this node does not know');
    const directory = join(this.#options.rootDir, 'pods', pod.metadata.uid, 'volumes', 'kubernetes.io~empty-dir', name);
    await mkdir(directory, { recursive: true });
    const isMounted = (await mountsBelow(directory)).includes(directory);
    if (emptyDir.medium === 'Memory' && !isMounted) {
      const size = emptyDir.sizeLimit === undefined ? [] : ['-o', `size=${quantityValue(emptyDir.sizeLimit)}`];
      await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', directory]);
    }
    const { fsGroup } = pod.spec.securityContext ?? {};
    await chmod(directory, fsGroup === undefined ? 0o777 : 0o2777);
    if (fsGroup !== undefined) await chown(directory, 0, fsGroup);
    return directory;
  }

  async mountsFor(pod: Pod, container: Container, options: MountOptions): Promise<readonly Mount[]> {
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const source = options.volumes.get(mount.name);
      const image = options.images.get(mount.name);
      if (source === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
      mounts.push({
        containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
        ...(image === undefined
          ? { hostPath: await subPathOf(source, mount, options.environment), readonly: mount.readOnly ?? false }
          : { ...await this.#imageMount(image, source, mount, options.environment), readonly: true }),
        propagation: propagations[mount.mountPropagation ?? 'None'],
      });
    }
    const directory = join(this.#options.rootDir, 'pods', pod.metadata.uid);
    await mkdir(join(this.logDirectory(pod), container.name), { recursive: true });
    if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts')) {
      const file = join(directory, 'etc-hosts');
      await mkdir(directory, { recursive: true });
      await writeFile(file, options.hostsFile(await readFile('/etc/hosts', 'utf8').catch(() => '')), { mode: 0o644 });
      mounts.push({ containerPath: '/etc/hosts', hostPath: file });
    }
    const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
    if (messagePath !== '') {
      const file = join(directory, 'containers', container.name, String(options.attempt));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, '', { mode: 0o666 });
      await chmod(file, 0o666);
      mounts.push({ containerPath: messagePath, hostPath: file });
    }
    return mounts;
  }

  #imagePlace(podUid: string, volume = ''): string {
    return join(this.#options.rootDir, 'pods', podUid, 'volumes', 'kubernetes.io~image', volume);
  }

  /** By the runtime where it can, else by a path of the host at which the image is mounted. */
  async #imageMount(reference: string, place: string, mount: VolumeMount, environment: ReadonlyMap<string, string>): Promise<Pick<Mount, 'hostPath' | 'image' | 'imageSubPath'>> {
    if (await this.#images.isRuntimeAble()) return { hostPath: '', image: { image: reference }, imageSubPath: expandedSubPath(mount, environment) };
    return { hostPath: await subPathOf(await this.#images.mount(reference, place), mount, environment, { mayCreate: false }) };
  }

  async lastWords(_pod: Pod, container: Container, record: Parameters<PodFiles['lastWords']>[2]): Promise<string> {
    const written = record.terminationLogFile === '' ? '' : (await readFile(record.terminationLogFile, 'utf8').catch(() => '')).slice(0, maxMessageBytes);
    if (written !== '' || container.terminationMessagePolicy !== 'FallbackToLogsOnError' || record.exitCode === 0) return written;
    const { clock } = this.#dependencies;
    const query = { tailLines: maxLogMessageLines };
    const parts: Uint8Array[] = [];
    for await (const part of readLog(record.logPath, query, { clock, signal: new AbortController().signal, isRunning: () => Promise.resolve(false) })) parts.push(part);
    return Buffer.concat(parts).subarray(-maxLogMessageBytes).toString('utf8');
  }

  readLog(record: Parameters<PodFiles['readLog']>[0], query: Parameters<PodFiles['readLog']>[1], signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { clock, runtime } = this.#dependencies;
    const isRunning = async (): Promise<boolean> => (await runtime.containerStatus(record.id).catch(() => undefined))?.state === 'CONTAINER_RUNNING';
    return readLog(record.logPath, query, { clock, signal, isRunning });
  }

  async removeVolumes(podUid: string): Promise<void> {
    this.#prepared.delete(podUid);
    await this.#turns.get(podUid);
    this.#prepared.delete(podUid);
    this.#tokens.forget(podUid);
    await this.#objects.release(podUid);
    for (const volume of await readdir(this.#imagePlace(podUid)).catch(() => [])) await this.#images.unmount(this.#imagePlace(podUid, volume));
    for (const base of [this.#options.rootDir, this.#options.runDir]) {
      const directory = join(base, 'pods', podUid, 'volumes');
      for (const mount of await mountsBelow(directory)) await run('umount', [mount]);
      await rm(directory, { recursive: true, force: true });
    }
  }

  async removePod(pod: { readonly uid: string; readonly name: string; readonly namespace: string }): Promise<void> {
    for (const base of [this.#options.rootDir, this.#options.runDir]) await rm(join(base, 'pods', pod.uid), { recursive: true, force: true });
    if (pod.name !== '') await rm(join(this.#options.logDir, logDirectoryName(pod)), { recursive: true, force: true });
    await removeCgroupOf(this.#options.cgroupRoot, pod.uid);
  }

  async rotateLog(record: Parameters<PodFiles['rotateLog']>[0]): Promise<void> {
    if (record.logPath === '') return;
    await rotateLog({ containerId: record.id, path: record.logPath, nowMs: this.#dependencies.clock.nowMs() }, this.#dependencies.runtime, defaultRotation);
  }

  async removeLog(record: Parameters<PodFiles['removeLog']>[0]): Promise<void> {
    if (record.logPath !== '') {
      const directory = dirname(record.logPath);
      // With it go the parts that were set aside: 0.log, 0.log.<time>, 0.log.<time>.gz.
      for (const name of await readdir(directory).catch(() => [])) if (name.startsWith(basename(record.logPath))) await rm(join(directory, name), { force: true });
    }
    if (record.terminationLogFile !== '') await rm(record.terminationLogFile, { force: true });
  }

  async podsWithFiles(): Promise<readonly string[]> {
    const found = new Set<string>();
    for (const base of [this.#options.rootDir, this.#options.runDir]) for (const uid of await readdir(join(base, 'pods')).catch(() => [])) found.add(uid);
    return [...found];
  }

  /** Ends the watches; files stay. */
  close(): Promise<void> {
    return this.#objects.close();
  }
}

const propagations = { None: 'PROPAGATION_PRIVATE', HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER', Bidirectional: 'PROPAGATION_BIDIRECTIONAL' } as const;

function logDirectoryName({ namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string }): string {
  return `${namespace}_${name}_${uid}`;
}

/** The part of a volume that is mounted; links in it must not lead out of it. */
async function subPathOf(source: string, mount: VolumeMount, environment: ReadonlyMap<string, string>, { mayCreate = true } = {}): Promise<string> {
  const expanded = expandedSubPath(mount, environment);
  if (expanded === '') return source;
  const wanted = join(source, expanded);
  if ((await stat(wanted).catch(() => undefined)) === undefined) {
    if (!mayCreate) throw new ContainerConfigError(`failed to prepare subPath for volumeMount "${mount.name}": ${expanded} does not exist`);
    await mkdir(wanted, { recursive: true });
  }
  const [base, real] = await Promise.all([realpath(source), realpath(wanted)]);
  if (real !== base && !real.startsWith(`${base}/`)) throw new ContainerConfigError(`failed to prepare subPath for volumeMount "${mount.name}"`);
  return real;
}

/** Relative to the volume; empty for all of it. */
function expandedSubPath(mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  const unresolved: string[] = [];
  const expanded = mount.subPathExpr === undefined
    ? (mount.subPath ?? '')
    : expandVariables(mount.subPathExpr, (name) => environment.get(name) ?? (unresolved.push(name), undefined));
  if (unresolved.length > 0) throw new ContainerConfigError(`missing value for "${unresolved[0]}"`);
  if (expanded.startsWith('/') || expanded.split('/').includes('..')) throw new ContainerConfigError(`subPath "${expanded}" must be a relative path without ".."`);
  return expanded;
}

/** Source: Kubernetes documentation, hostPath volume types. */
async function checkHostPath(path: string, type: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const demand = (isRight: boolean | undefined, what: string): void => {
    if (isRight !== true) throw new VolumeError(`hostPath type check failed: ${path} is not a ${what}`);
  };
  if (type === 'DirectoryOrCreate' && found === undefined) await mkdir(path, { recursive: true, mode: 0o755 });
  else if (type === 'FileOrCreate' && found === undefined) await writeFile(path, '', { mode: 0o644 });
  else if (type.startsWith('Directory')) demand(found?.isDirectory(), 'directory');
  else if (type.startsWith('File')) demand(found?.isFile(), 'file');
  else if (type === 'Socket') demand(found?.isSocket(), 'socket file');
  else if (type === 'CharDevice') demand(found?.isCharacterDevice(), 'character device');
  else if (type === 'BlockDevice') demand(found?.isBlockDevice(), 'block device');
  return path;
}
