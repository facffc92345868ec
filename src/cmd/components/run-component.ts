import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { ConnectionConfig } from '#client/connection.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, inClusterConnection, loadKubeconfig } from '#client/kubeconfig.ts';
import { createComponentContext } from '#cluster/component-context.ts';
import { giveBackMemory } from '#serving/give-back-memory.ts';
import { UserError } from '../fail.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from '../until-signal.ts';
import type { CommonFlags } from './flags.ts';
import { logLevelOf } from './flags.ts';

export interface ComponentFlags extends CommonFlags {
  readonly kubeconfig?: string;
  readonly master?: string;
}

/** Runs one component against an API server until a signal comes. */
export async function runComponent(name: string, flags: ComponentFlags, start: (context: ComponentContext, own: { readonly log: Logger; readonly connection: ConnectionConfig }) => Promise<RunningComponent> | RunningComponent): Promise<void> {
  const log = createLog({ level: logLevelOf(flags) }).child({ component: name });
  const connection = flags.kubeconfig === undefined && flags.master === undefined
    ? inClusterConnection()
    : connectionFrom(loadKubeconfig({ file: flags.kubeconfig }), { server: flags.master });
  if (connection === undefined) throw new UserError('how to reach the API server is not known: give --kubeconfig FILE');
  const ending = endOnSignal(log);
  const transport = createHttpsTransport(connection, { clock: systemClock, userAgent: name });
  const context = createComponentContext({ transport, clock: systemClock, random: systemRandom, log });
  const component = await start(context, { log, connection });
  component.ready.then(
    () => log.info({ server: connection.server }, 'ready'),
    (error: unknown) => log.error({ error }, 'the component could not start'),
  );
  giveBackMemory(systemClock);
  await ending.signalled;
  log.info({}, 'stopping');
  await component.close();
  await context.informers.close();
  await transport.close();
  ending.dispose();
  process.exit(0);
}
