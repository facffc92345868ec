import type { Clock, Timer } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { CacheSource } from '../authz/binding-index.ts';
import type { DefaultObject } from '../bootstrap/default-object.ts';
import type { Configured } from './plan-defaults.ts';
import { planConditions, planDefaults } from './plan-defaults.ts';

/** How long after a change everything is looked at; changes in between are seen together. */
const settleMs = 1000;
/** When something could not be written. */
const retryMs = 10_000;
const manager = 'api-priority-and-fairness-config-consumer-v1';

export interface DefaultConfiguration {
  readonly schemas: readonly FlowSchema[];
  readonly levels: readonly PriorityLevelConfiguration[];
}

/** The objects that the server comes with, complete as they would be stored. */
export function defaultConfiguration(objects: readonly DefaultObject[]): DefaultConfiguration {
  const complete = <T extends Configured>(kind: ResourceKind<T>): T[] => objects.filter((each) => (each.kind as unknown) === kind).map(({ object }) => {
    const draft = decodeDraft<T>(kind, object, { defaults: true });
    draft.kind = kind.kind;
    draft.apiVersion = kind.apiVersion;
    kind.defaults?.(draft);
    draft.metadata.uid = '';
    return draft as unknown as T;
  });
  return { schemas: complete<FlowSchema>(FlowSchema), levels: complete<PriorityLevelConfiguration>(PriorityLevelConfiguration) };
}

/** Keeps the objects that the server comes with, and says of every schema whether its level exists. Returns how to stop. */
export function keepConfiguration({ caches, client, clock, log, defaults }: {
  readonly caches: CacheSource; readonly client: Client; readonly clock: Clock; readonly log: Logger; readonly defaults: DefaultConfiguration;
}): () => void {
  let timer: Timer | undefined;
  let isClosed = false;
  const soon = (delayMs: number): void => {
    if (!isClosed) timer ??= clock.after(delayMs, () => void run());
  };
  const run = async (): Promise<void> => {
    timer = undefined;
    try {
      await carryOut(PriorityLevelConfiguration, defaults.levels);
      await carryOut(FlowSchema, defaults.schemas);
      const levels = new Set(all(PriorityLevelConfiguration).map(({ metadata }) => metadata.name));
      for (const { name, condition } of planConditions(all(FlowSchema), levels)) {
        const patch = { status: { conditions: [{ ...condition, lastTransitionTime: `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z` }] } };
        await settled(client.patch(FlowSchema, { name }, { type: 'strategic', patch }, { subresource: 'status', fieldManager: manager }));
      }
    } catch (error) {
      if (isClosed) return;
      log.error({ error }, 'the objects of flow control cannot be kept');
      soon(retryMs);
    }
  };
  const all = <T extends Configured>(kind: ResourceKind<T>): T[] => [...caches.of(kind).range('')].map(({ object }) => object);
  const carryOut = async <T extends Configured>(kind: ResourceKind<T>, wanted: readonly T[]): Promise<void> => {
    for (const step of planDefaults(kind, wanted, all(kind))) {
      const { metadata } = step.object;
      switch (step.is) {
        case 'create':
          await settled(client.create(kind, { metadata: { name: metadata.name, annotations: metadata.annotations }, spec: step.object.spec } as unknown as Given<T>));
          break;
        case 'update':
          await settled(client.update(kind, step.object));
          break;
        case 'delete':
          await settled(client.delete(kind, { name: metadata.name }, { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } }));
          break;
      }
    }
  };
  /** Others may be quicker; what they wrote is looked at next. */
  const settled = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof StatusError && ['AlreadyExists', 'Conflict', 'NotFound'].includes(error.reason))) throw error;
    }
  };
  const stops = [caches.of(FlowSchema).subscribe(() => soon(settleMs)), caches.of(PriorityLevelConfiguration).subscribe(() => soon(settleMs))];
  soon(settleMs);
  return () => {
    isClosed = true;
    timer?.cancel();
    for (const stop of stops) stop();
  };
}
