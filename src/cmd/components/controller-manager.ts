import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff controller-manager`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('controller-manager is not built yet');
  });
}
