import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff cloud-controller-manager`. */
export function cloudControllerManager(): Command {
  return notBuilt('The cloud controller manager is not built yet: Services of type LoadBalancer get no address.');
}

/** Whatever flags it is given, it says that it is not there, and fails. */
function notBuilt(text: string): Command {
  return new Command().description(text).allowUnknownOption().allowExcessArguments().action(() => {
    throw new UserError(text);
  });
}
