import { Command } from 'commander';
import { UserError } from './fail.ts';

/** `skiff bench`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('bench is not built yet');
  });
}
