/** Holds pods back until everybody who wanted a word has had it. */
import type { SchedulerPlugin } from '../framework.ts';

const name = 'SchedulingGates';

export const schedulingGates: SchedulerPlugin = {
  name,
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return { plugin: name, reasons: [`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`], isResolvable: false };
  },
  // Only an update of the pod itself takes gates away.
  wakesOn: {},
};
