import type { Clock } from '#base/clock.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Pod } from '#api/core/pod.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { VolumeError } from '../platform.ts';
import type { PodFiles, PodFacts, PreparedVolumes } from '../platform.ts';
import type { Alarm } from './alarm.ts';
import { podTarget } from './events.ts';

export interface PodVolumesDependencies {
  readonly files: PodFiles;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Set to when a failed preparation is tried again. */
  readonly alarm: Alarm;
}

/** Pauses after a volume could not be made; the longest is the original's. */
const firstBackoffMs = 500;
const longestBackoffMs = 122_000;
const noPaths: ReadonlyMap<string, string> = new Map();

/** The volumes of one pod as they lie on the node, and when they are to be made anew. */
export class PodVolumes {
  readonly #dependencies: PodVolumesDependencies;
  #prepared: PreparedVolumes | undefined;
  #isStale = false;
  #backoffMs = firstBackoffMs;

  constructor(dependencies: PodVolumesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Where each lies, by its name. */
  get paths(): ReadonlyMap<string, string> {
    return this.#prepared?.paths ?? noPaths;
  }

  /** When tokens in them are to be renewed; wall clock, ms. */
  get refreshAtMs(): number | undefined {
    return this.#prepared?.refreshAtMs;
  }

  /** They are on the node and show what the pod no longer says. */
  get isStale(): boolean {
    return this.#isStale && this.#prepared !== undefined;
  }

  /** They were never made, or what is in them is to be renewed. */
  get isDue(): boolean {
    return this.#prepared === undefined || (this.#prepared.refreshAtMs ?? Infinity) <= this.#dependencies.clock.nowMs();
  }

  /** The pod has changed: files may say what its labels and annotations are. */
  noteChange(before: Pod, now: Pod): void {
    this.#isStale ||= showsItself(now) && (!saysTheSame(before.metadata.labels, now.metadata.labels) || !saysTheSame(before.metadata.annotations, now.metadata.annotations));
  }

  /** Makes them, or brings them up to date. False, with an event and another try later, when one cannot be made. */
  async prepare(pod: Pod, facts: PodFacts): Promise<boolean> {
    const { files, recorder, alarm } = this.#dependencies;
    try {
      this.#prepared = await files.prepareVolumes(pod, facts);
      this.#backoffMs = firstBackoffMs;
      this.#isStale = false;
      return true;
    } catch (error) {
      if (!(error instanceof VolumeError)) throw error;
      recorder.event(podTarget(pod), 'Warning', 'FailedMount', error.message);
      alarm.in(this.#backoffMs);
      this.#backoffMs = Math.min(this.#backoffMs * 2, longestBackoffMs);
      return false;
    }
  }

  /** Takes them off the node, if this kubelet made them. */
  async removeIfPrepared(uid: string): Promise<void> {
    if (this.#prepared === undefined) return;
    await this.#dependencies.files.removeVolumes(uid);
    this.#prepared = undefined;
  }
}

function showsItself({ spec }: Pod): boolean {
  return (spec.volumes ?? []).some(({ downwardAPI, projected }) => downwardAPI !== undefined || projected?.sources?.some((each) => each.downwardAPI !== undefined) === true);
}
