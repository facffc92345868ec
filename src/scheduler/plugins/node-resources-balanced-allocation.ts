/** Rather places pods where CPU and memory are then used to the same degree, so that neither is left over alone. */
import type { SchedulerPlugin } from '../framework.ts';
import { maxPoints } from '../framework.ts';

export const nodeResourcesBalancedAllocation: SchedulerPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  score({ requests }) {
    // A pod that asks for nothing moves no balance.
    if (requests.cpuMillis === 0 && requests.memoryBytes === 0) return undefined;
    return {
      score({ allocatable, cpuMillis, memoryBytes }) {
        if (allocatable.cpuMillis === 0 || allocatable.memoryBytes === 0) return maxPoints;
        const cpu = Math.min(1, (cpuMillis + requests.cpuMillis) / allocatable.cpuMillis);
        const memory = Math.min(1, (memoryBytes + requests.memoryBytes) / allocatable.memoryBytes);
        // Of two values, the standard deviation is half their distance.
        return Math.floor((1 - Math.abs(cpu - memory) / 2) * maxPoints);
      },
    };
  },
  wakesOn: {},
};
