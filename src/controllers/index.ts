/** Every controller, one line each, with the names that `--controllers` takes. */
import type { Controller } from '#reconcile/controller.ts';
import { deploymentController } from './deployment/deployment-controller.ts';
import type { ControllerOptions } from './options.ts';
import { replicaSetController, replicationController } from './replica-set/replica-set-controller.ts';

export type { ControllerOptions } from './options.ts';

interface Entry {
  readonly name: string;
  /** The older, shorter name that `--controllers` takes too. */
  readonly alias: string;
  /** undefined: the options give it nothing to work with. */
  readonly make: (options: ControllerOptions) => Controller | undefined;
}

export const controllers: readonly Entry[] = [
  { name: 'deployment-controller', alias: 'deployment', make: () => deploymentController },
  { name: 'replicaset-controller', alias: 'replicaset', make: () => replicaSetController },
  { name: 'replicationcontroller-controller', alias: 'replicationcontroller', make: () => replicationController },
];

/** The controllers that `options.enabled` asks for. Throws on a name that is none. */
export function controllersFor(options: ControllerOptions = {}): readonly Controller[] {
  const asked = options.enabled ?? ['*'];
  const known = new Set(['*', ...controllers.flatMap(({ name, alias }) => [name, alias])]);
  for (const item of asked) {
    if (!known.has(item.replace(/^-/, ''))) throw new Error(`"${item}" is not in the list of known controllers`);
  }
  const isEnabled = ({ name, alias }: Entry): boolean => {
    if (asked.includes(name) || asked.includes(alias)) return true;
    if (asked.includes(`-${name}`) || asked.includes(`-${alias}`)) return false;
    return asked.includes('*');
  };
  return controllers.filter(isEnabled).flatMap(({ make }) => make(options) ?? []);
}
