import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ComponentContext } from '#client/component.ts';
import { createClient } from '#client/create-client.ts';
import type { SharedInformers } from '#client/informer.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import type { Transport } from '#client/transport.ts';

export interface ContextDependencies {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Informers to share with other components of the process. Default: own ones, which the caller closes. */
  readonly informers?: SharedInformers;
}

/** What a component is handed at start, over any transport. */
export function createComponentContext({ transport, clock, random, log, informers }: ContextDependencies): ComponentContext {
  const client = createClient(transport);
  return {
    client,
    informers: informers ?? createSharedInformers({ client, clock, random, log }),
    recorderFor: (component, options) => createEventRecorder({ client, clock, log }, component, options),
    clock,
    random,
    log,
  };
}
