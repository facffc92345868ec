import { Command } from 'commander';
import { UserError } from '../fail.ts';

/** `skiff kubelet`. */
export function command(): Command {
  return new Command().action(() => {
    throw new UserError('kubelet is not built yet');
  });
}
