/** API server, controllers and scheduler in one process, over in-process transports, started in one order. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import type { ApiServerOptions } from '#apiserver/api-server-options.ts';
import type { UserInfo } from '#apiserver/request/api-call.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { SharedInformers } from '#client/informer.ts';
import { createClient } from '#client/create-client.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import type { ControllerOptions } from '#controllers/index.ts';
import { controllersFor } from '#controllers/index.ts';
import { serviceAccountOf } from '#controllers/service-accounts.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { createScheduler } from '#scheduler/scheduler.ts';
import { createComponentContext } from './component-context.ts';
import { accountUser, adminUser, controllerManagerUser, schedulerUser } from './component-users.ts';

export interface ControlPlaneOptions extends ApiServerOptions {
  readonly controllers: ControllerOptions;
}

export interface ControlPlane {
  readonly apiServer: ApiServer;
  /** Shared by all components of the process. */
  readonly informers: SharedInformers;
  /** The context of a component that acts as `user`. */
  contextFor(component: string, user: UserInfo): ComponentContext;
  close(): Promise<void>;
}

/** Starts the control plane. Resolves when requests are answered and every controller works. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock, random, log } = options;
  const apiServer = await createApiServer(options);
  const informers = informersOf(apiServer, { clock, random, log });
  const contextFor = (component: string, user: UserInfo): ComponentContext =>
    createComponentContext({ transport: apiServer.transport(user, component, { isComponent: true }), clock, random, log: log.child({ component }), informers });
  const components: RunningComponent[] = [
    runControllers(contextFor('kube-controller-manager', controllerManagerUser), controllersFor(options.controllers), { identityOf: (controller) => contextFor('kube-controller-manager', accountUser(serviceAccountOf(controller))) }),
    createScheduler(contextFor('kube-scheduler', schedulerUser)),
  ];
  await Promise.all(components.map((each) => each.ready));
  return {
    apiServer,
    informers,
    contextFor,
    async close() {
      await Promise.all(components.map((each) => each.close()));
      await informers.close();
      await apiServer.close();
    },
  };
}

function informersOf(apiServer: ApiServer, dependencies: { readonly clock: Clock; readonly random: Random; readonly log: Logger }): SharedInformers {
  const client = createClient(apiServer.transport(adminUser('system:informers'), 'informers'));
  return createSharedInformers({ client, ...dependencies });
}
