import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuntimeService } from '../cri/cri.ts';
import { mountsBelow, run } from '../runtime/machine.ts';

/** The namespace in which containerd's CRI keeps its images. */
const criNamespace = 'k8s.io';
/** The first containerd that takes an image in the place of a path of the host. */
const firstAble = [2, 1] as const;
/** Tried in this order: the second works where the first does not, at the price of copies. */
const snapshotters = ['overlayfs', 'native'] as const;

/**
 * Contents of images as volumes, where the runtime cannot mount them itself: containerd before 2.1. They are mounted with
 * `ctr`, which comes with it, from read-only views of the image's own snapshot. Source: KEP-4639.
 */
export class ImageVolumes {
  readonly #runtime: RuntimeService;
  readonly #socket: string | undefined;
  #isAble: Promise<boolean> | undefined;

  /** `socket`: where containerd listens. */
  constructor({ runtime, socket }: { readonly runtime: RuntimeService; readonly socket: string | undefined }) {
    this.#runtime = runtime;
    this.#socket = socket;
  }

  /** Whether the runtime mounts images, given their reference. */
  isRuntimeAble(): Promise<boolean> {
    return (this.#isAble ??= this.#runtime.version().then(({ runtimeName, runtimeVersion }) => this.#socket === undefined || runtimeName !== 'containerd' || isAtLeast(runtimeVersion, firstAble), (error: unknown) => {
      this.#isAble = undefined;
      throw error;
    }));
  }

  /** Mounts the image below `directory`, one place per image; answers where. Does nothing when it is there already. */
  async mount(reference: string, directory: string): Promise<string> {
    const target = join(directory, reference.replace(/^.*[:@]/, '').slice(0, 32));
    if ((await mountsBelow(target)).includes(target)) return target;
    await mkdir(target, { recursive: true });
    let failure: unknown;
    for (const snapshotter of snapshotters) {
      try {
        // What a machine that was switched off has left behind.
        await this.#ctr('snapshots', '--snapshotter', snapshotter, 'remove', target).catch(() => undefined);
        await this.#ctr('images', 'mount', '--snapshotter', snapshotter, reference, target);
        // The lease that `ctr` takes out ends after a day.
        await this.#ctr('snapshots', '--snapshotter', snapshotter, 'label', target, 'containerd.io/gc.root=skiff');
        return target;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Unmounts what is below the directory of a volume and lets go of the images. */
  async unmount(directory: string): Promise<void> {
    for (const name of await readdir(directory).catch(() => [])) {
      const target = join(directory, name);
      for (const mount of await mountsBelow(target)) await run('umount', [mount]);
      await this.#ctr('leases', 'delete', target).catch(() => undefined);
      for (const snapshotter of snapshotters) await this.#ctr('snapshots', '--snapshotter', snapshotter, 'remove', target).catch(() => undefined);
    }
  }

  #ctr(...args: readonly string[]): Promise<string> {
    return run('ctr', ['--address', this.#socket ?? '', '--namespace', criNamespace, ...args]);
  }
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, ownMajor = '0', ownMinor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor);
}
