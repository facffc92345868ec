/** Taints of nodes and tolerations of pods. Source: Kubernetes documentation "Taints and Tolerations". */
import type { Taint, Toleration } from './scheduling.ts';

export type TaintEffect = Taint['effect'];

/** Whether the toleration bears the taint: same effect (or any), same key (or any), and a value that fits. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? '';
  if (key !== '' && key !== taint.key) return false;
  const value = toleration.value ?? '';
  switch (toleration.operator) {
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt':
      return comparesTo(toleration.operator, taint.value ?? '', value);
    case 'Equal':
    case undefined:
      return key !== '' && value === (taint.value ?? '');
  }
}

/** The taint's value is less (greater) than the toleration's. Only whole numbers compare. */
function comparesTo(operator: 'Lt' | 'Gt', taint: string, bound: string): boolean {
  if (!/^-?\d+$/.test(taint) || !/^-?\d+$/.test(bound)) return false;
  return operator === 'Lt' ? BigInt(taint) < BigInt(bound) : BigInt(taint) > BigInt(bound);
}

/** The first taint with one of `effects` that no toleration bears. */
export function findUntolerated(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined, effects: readonly TaintEffect[]): Taint | undefined {
  if (taints === undefined) return undefined;
  return taints.find((taint) => effects.includes(taint.effect) && tolerations?.some((toleration) => tolerates(toleration, taint)) !== true);
}

/** Taints that the node's keepers set, and what they mean. */
export const taintKeys = {
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
  unschedulable: 'node.kubernetes.io/unschedulable',
  memoryPressure: 'node.kubernetes.io/memory-pressure',
  diskPressure: 'node.kubernetes.io/disk-pressure',
  pidPressure: 'node.kubernetes.io/pid-pressure',
  networkUnavailable: 'node.kubernetes.io/network-unavailable',
  outOfService: 'node.kubernetes.io/out-of-service',
} as const;
