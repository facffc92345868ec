/**
 * Rather places pods where they bring the use of CPU and memory closer together, so that neither is left over alone.
 * Source: behaviour of the v1.36 scheduler, which looks at the change a pod makes, not only at what is then.
 */
import type { SchedulerPlugin } from '../framework.ts';
import { maxPoints } from '../framework.ts';

/** Of a node whose balance stays as it is; the points range from 50 to 100. */
const unchangedPoints = (maxPoints * 3) / 4;

export const nodeResourcesBalancedAllocation: SchedulerPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  score({ requests }) {
    // A pod that asks for nothing moves no balance.
    if (requests.cpuMillis === 0 && requests.memoryBytes === 0) return undefined;
    return {
      score({ allocatable, cpuMillis, memoryBytes }) {
        // A node without one of the two has nothing to balance.
        if (allocatable.cpuMillis === 0 || allocatable.memoryBytes === 0) return unchangedPoints;
        const before = deviation(cpuMillis / allocatable.cpuMillis, memoryBytes / allocatable.memoryBytes);
        const after = deviation((cpuMillis + requests.cpuMillis) / allocatable.cpuMillis, (memoryBytes + requests.memoryBytes) / allocatable.memoryBytes);
        return Math.floor(unchangedPoints + ((before - after) / 2) * maxPoints);
      },
    };
  },
  wakesOn: {},
};

/** Of two shares in use, each at most the whole, the standard deviation is half their distance. */
function deviation(cpu: number, memory: number): number {
  return Math.abs(Math.min(1, cpu) - Math.min(1, memory)) / 2;
}
