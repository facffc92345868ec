import type { Random } from '#base/random.ts';
import type { ComponentContext } from '#client/component.ts';
import type { SimulatedRuntimeOptions } from '#kubelet/cri/simulated.ts';
import { SimulatedRuntime } from '#kubelet/cri/simulated.ts';
import type { RunningKubelet } from '#kubelet/kubelet.ts';
import { startKubelet } from '#kubelet/kubelet.ts';
import { simulatedPlatform } from '#kubelet/simulated-platform.ts';

export interface SimulatedNodeOptions extends Pick<SimulatedRuntimeOptions, 'behaviour' | 'pull'> {
  readonly nodeName: string;
  /** Default: one made from `index`, out of 192.168.0.0/16. */
  readonly internalIp?: string;
  readonly index: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly random: Random;
}

/** A node without a machine: a real kubelet on a simulated runtime. */
export interface SimulatedNode {
  readonly name: string;
  readonly runtime: SimulatedRuntime;
  readonly kubelet: RunningKubelet;
}

/** Starts a simulated node; `kubelet.ready` resolves when it is registered. */
export function startSimulatedNode(context: ComponentContext, options: SimulatedNodeOptions): SimulatedNode {
  const { nodeName, index, random, behaviour, pull, labels, capacity } = options;
  const runtime = new SimulatedRuntime({
    clock: context.clock, random, ...(behaviour !== undefined && { behaviour }), ...(pull !== undefined && { pull }),
  });
  const internalIp = options.internalIp ?? `192.168.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  const platform = simulatedPlatform({ nodeName, runtime, clock: context.clock, internalIp, ...(capacity !== undefined && { capacity }) });
  return { name: nodeName, runtime, kubelet: startKubelet(context, { nodeName, platform, ...(labels !== undefined && { labels }) }) };
}
