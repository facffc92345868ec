import type { ComponentContext } from '#client/component.ts';
import type { RuntimeConnection } from './cri/grpc.ts';
import { linuxMachine } from './node/linux-machine.ts';
import type { LinuxMachineOptions } from './node/linux-machine.ts';
import type { NodePlatform } from './platform.ts';
import { networkProber } from './probes/network-prober.ts';
import { MachineFiles } from './volumes/machine-files.ts';
import type { MachineFilesOptions } from './volumes/machine-files.ts';

export interface MachinePlatformOptions extends MachineFilesOptions, LinuxMachineOptions {
  readonly connection: RuntimeConnection;
}

/** The machine this process runs on, with the container runtime behind `connection`. The directories must exist. */
export async function machinePlatform(context: ComponentContext, options: MachinePlatformOptions): Promise<NodePlatform & { close(): Promise<void> }> {
  const { runtime, images } = options.connection;
  const files = new MachineFiles(options, { ...context, runtime, socket: options.connection.socket });
  return {
    runtime, images, files,
    machine: await linuxMachine(options),
    prober: networkProber(context),
    close: () => files.close(),
  };
}
