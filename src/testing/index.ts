/** `skiff/testing`: a whole cluster inside a test. */
export { SimulatedClock } from '#base/clock.ts';
export type { Clock } from '#base/clock.ts';
export type { ContainerBehaviour, SimulatedContainerInfo, SimulatedRuntime } from '#kubelet/cri/simulated.ts';
export type { Client } from '#client/client.ts';
export type { SimulatedNode } from '#cluster/simulated-node.ts';
export { startCluster } from './start-cluster.ts';
export type { NodeRequest, TestCluster, TestClusterOptions } from './start-cluster.ts';
