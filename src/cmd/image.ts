import { Command } from 'commander';
import { UserError } from './fail.ts';

/** `skiff image`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('image is not built yet');
  });
}
