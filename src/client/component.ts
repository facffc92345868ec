import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { Client } from './client.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { SharedInformers } from './informer.ts';

/** What every component (scheduler, controllers, kubelet, proxy) is handed at start, in process or alone. */
export interface ComponentContext {
  readonly client: Client;
  readonly informers: SharedInformers;
  /** Makes the component's recorder: `recorderFor('kubelet', { host: 'node-1' })`. */
  readonly recorderFor: (component: string, options?: { readonly host?: string }) => EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A running component. */
export interface RunningComponent {
  /** Resolves when it works (informers synced, loops started). */
  readonly ready: Promise<void>;
  /** Stops and waits for what is under way. Idempotent. */
  close(): Promise<void>;
}
