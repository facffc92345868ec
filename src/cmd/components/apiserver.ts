import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff apiserver`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('apiserver is not built yet');
  });
}
