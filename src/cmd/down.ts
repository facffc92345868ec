import { Command } from 'commander';
import { UserError } from './fail.ts';

/** `skiff down`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('down is not built yet');
  });
}
