import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff proxy`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('proxy is not built yet');
  });
}
