import { Command } from 'commander';
import { UserError } from './fail.ts';

/** `skiff status`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('status is not built yet');
  });
}
