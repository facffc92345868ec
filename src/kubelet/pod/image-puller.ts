import type { Clock } from '#base/clock.ts';
import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { EventRecorder, EventTarget } from '#client/event-recorder.ts';
import type { ImageService } from '../cri/cri.ts';
import type { AuthConfig, Image, PodSandboxConfig } from '../cri/records.ts';
import { backoffUntilMs, goDuration, nextBackoff } from './restart-backoff.ts';
import type { BackoffEntry } from './restart-backoff.ts';

export interface ImagePullerDependencies {
  readonly images: ImageService;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
}

/** Why a container has no image yet: the reason in its status. */
export type ImageFailureReason = 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason: ImageFailureReason;
  /** When to try again; wall clock, ms. */
  readonly retryAtMs: number | undefined;

  constructor(reason: ImageFailureReason, message: string, retryAtMs?: number) {
    super(message);
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}

export interface ImageRequest {
  readonly pod: Pod;
  /** Whose image it is; of a volume, what corresponds. */
  readonly container: Pick<Container, 'image' | 'imagePullPolicy'>;
  readonly about: EventTarget;
  readonly sandbox: PodSandboxConfig;
  /** Ends the waiting, not the pull: others may wait for the same image. */
  readonly signal: AbortSignal;
  /** Credentials to try, in order. */
  readonly credentials: () => Promise<readonly AuthConfig[]>;
}

/** As pulls of one image: pauses grow while it fails. */
const pullBackoff = { initialMs: 10_000, maxMs: 300_000 };
/** Entries of pods long gone are dropped beyond this. */
const maxEntries = 2000;

const namePattern = /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$/;

/** Gets images onto the node as the pull policies say, one pull per image at a time, with events and pauses. */
export class ImagePuller {
  readonly #dependencies: ImagePullerDependencies;
  readonly #backoffs = new Map<string, BackoffEntry & { readonly failedAtMs: number; readonly message: string }>();
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(dependencies: ImagePullerDependencies) {
    this.#dependencies = dependencies;
  }

  /** The image to make the container from. @throws ImageError */
  async ensure(request: ImageRequest): Promise<{ readonly ref: string; readonly image: Image | undefined }> {
    const { images, recorder } = this.#dependencies;
    const { container, about } = request;
    const name = withTag(container.image ?? '');
    if (name === undefined) {
      const message = `Failed to apply default image tag "${container.image ?? ''}": couldn't parse image name "${container.image ?? ''}": invalid reference format`;
      recorder.event(about, 'Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message);
    }
    const present = await images.imageStatus({ image: name });
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    if (present !== undefined && policy !== 'Always') {
      const suffix = policy === 'IfNotPresent' ? ' and can be accessed by the pod' : '';
      recorder.event(about, 'Normal', 'Pulled', `Container image "${container.image}" already present on machine${suffix}`);
      return { ref: present.id, image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${container.image}" is not present with pull policy of Never`;
      recorder.event(about, 'Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message);
    }
    const ref = await this.#pull(request, name);
    return { ref, image: await images.imageStatus({ image: ref }) };
  }

  async #pull({ pod, container, about, credentials, sandbox, signal }: ImageRequest, name: string): Promise<string> {
    const { clock, recorder } = this.#dependencies;
    const key = `${pod.metadata.uid}_${name}`;
    const entry = this.#backoffs.get(key);
    const untilMs = entry === undefined ? undefined : backoffUntilMs(entry, entry.failedAtMs, clock.nowMs(), pullBackoff);
    if (entry !== undefined && untilMs !== undefined) {
      const message = `Back-off pulling image "${container.image}": ErrImagePull: ${entry.message}`;
      recorder.event(about, 'Normal', 'BackOff', `Back-off pulling image "${container.image}"`);
      throw new ImageError('ImagePullBackOff', message, untilMs);
    }
    recorder.event(about, 'Normal', 'Pulling', `Pulling image "${container.image}"`);
    const startedMs = clock.monotonicMs();
    try {
      let running = this.#pulls.get(name);
      if (running === undefined) {
        running = this.#pullWith(name, await credentials(), sandbox).finally(() => this.#pulls.delete(name));
        this.#pulls.set(name, running);
      }
      const ref = await Promise.race([running, aborted(signal)]);
      const image = await this.#dependencies.images.imageStatus({ image: ref });
      const took = duration(clock.monotonicMs() - startedMs);
      recorder.event(about, 'Normal', 'Pulled', `Successfully pulled image "${container.image}" in ${took} (${took} including waiting). Image size: ${image?.size ?? 0} bytes.`);
      this.#backoffs.delete(key);
      return ref;
    } catch (error) {
      if (signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const next = nextBackoff(entry, clock.nowMs(), clock.nowMs(), pullBackoff);
      if (this.#backoffs.size >= maxEntries) this.#backoffs.delete(this.#backoffs.keys().next().value ?? '');
      this.#backoffs.set(key, { ...next, failedAtMs: clock.nowMs(), message });
      recorder.event(about, 'Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
      // The status shows the failure first, the pause at the next look.
      throw new ImageError('ErrImagePull', message, clock.nowMs() + Math.min(next.delayMs, 3000));
    }
  }

  async #pullWith(name: string, credentials: readonly AuthConfig[], sandbox: PodSandboxConfig): Promise<string> {
    const { images } = this.#dependencies;
    let failure: unknown;
    for (const auth of credentials.length === 0 ? [undefined] : credentials) {
      try {
        return await images.pullImage({ image: name }, { sandbox, ...(auth === undefined ? {} : { auth }) });
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The name with a tag; undefined when it is no name of an image. */
export function withTag(name: string): string | undefined {
  if (!namePattern.test(name)) return undefined;
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || name.includes('@') ? name : `${name}:latest`;
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : ms < 60_000 ? `${(ms / 1000).toFixed(3)}s` : goDuration(ms);
}
