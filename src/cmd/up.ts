import { Command } from 'commander';
import { UserError } from './fail.ts';

/** `skiff up`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('up is not built yet');
  });
}
