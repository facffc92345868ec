/** Test support: controllers against the real API server on a memory store, in this process. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import type { Clock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import type { Client } from '#client/client.ts';
import type { ComponentContext } from '#client/component.ts';
import { createClient } from '#client/create-client.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import type { Controller } from '#reconcile/controller.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { openMemoryStore } from '#store/memory.ts';

export interface TestCluster {
  readonly client: Client;
  readonly context: ComponentContext;
  readonly clock: Clock;
  /** Waits until `condition` returns something other than false and undefined, and returns that. */
  readonly until: <T>(condition: () => Promise<T | false | undefined>) => Promise<T>;
  close(): Promise<void>;
}

const serviceAccountKey = createServiceAccountKey();
/** Far more turns than anything takes; a test that needs them has failed. */
const maxTurns = 20_000;

export async function startTestCluster(controllers: readonly Controller[], clock: Clock = systemClock): Promise<TestCluster> {
  const random = seededRandom(1);
  const store = openMemoryStore({ clock, random });
  const apiServer = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey, nodes: noNodes });
  const client = createClient(apiServer.transport({ name: 'system:admin', groups: ['system:masters', 'system:authenticated'] }, 'test'));
  const informers = createSharedInformers({ client, clock, random, log: silentLog });
  const context: ComponentContext = {
    client, informers, clock, random, log: silentLog,
    recorderFor: (component, options) => createEventRecorder({ client, clock, log: silentLog }, component, options),
  };
  const running = runControllers(context, controllers);
  await running.ready;
  return {
    client,
    context,
    clock,
    async until(condition) {
      for (let turn = 0; turn < maxTurns; turn++) {
        const result = await condition();
        if (result !== false && result !== undefined) return result;
        await nextTurn();
      }
      assert.fail(`never came true: ${condition.toString()}`);
    },
    async close() {
      await running.close();
      await informers.close();
      await apiServer.close();
    },
  };
}
