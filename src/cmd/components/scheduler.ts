import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff scheduler`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('scheduler is not built yet');
  });
}
