/** Keeps two pods from wanting the same port of a host. */
import { clash } from '#api/core/host-ports.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import { always } from '../framework.ts';

const name = 'NodePorts';
const rejection: Rejection = { plugin: name, reasons: ["node(s) didn't have free ports for the requested pod ports"], isResolvable: true };

export const nodePorts: SchedulerPlugin = {
  name,
  filter({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return { node: (node) => (hostPorts.some((port) => node.hasPort(port)) ? rejection : undefined) };
  },
  wakesOn: {
    NodeAdd: always,
    AssignedPodDelete: ({ hostPorts }, { pod }) => pod?.hostPorts.some((freed) => hostPorts.some((port) => clash(port, freed))) === true,
  },
};
