/** Gives every node a range of pod addresses out of the cluster's. */
import { Node } from '#api/core/node.ts';
import type { Controller } from '#reconcile/controller.ts';
import { done } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import type { ControllerOptions } from '../options.ts';
import { CidrRange } from './cidr-range.ts';

/** Which subnets are taken, by which node. */
class Allocation {
  readonly #range: CidrRange;
  readonly #holders = new Map<number, string>();
  readonly #held = new Map<string, number>();
  /** Where to look next: released subnets rest as long as possible. */
  #next = 0;

  constructor(range: CidrRange) {
    this.#range = range;
  }

  note(node: string, cidrs: readonly string[]): void {
    for (const cidr of cidrs) {
      const index = this.#range.indexOf(cidr);
      if (index === undefined) continue;
      this.#holders.set(index, node);
      this.#held.set(node, index);
    }
  }

  release(node: string): void {
    const index = this.#held.get(node);
    if (index === undefined) return;
    this.#held.delete(node);
    this.#holders.delete(index);
  }

  /** undefined when none is left. */
  take(node: string): string | undefined {
    for (let tried = 0; tried < this.#range.size; tried++) {
      const index = this.#next;
      this.#next = (this.#next + 1) % this.#range.size;
      if (this.#holders.has(index)) continue;
      this.#holders.set(index, node);
      this.#held.set(node, index);
      return this.#range.at(index);
    }
    return undefined;
  }
}

/** Throws when the ranges in `options` are none. */
export function nodeIpamController(options: ControllerOptions): Controller {
  const { clusterCidrs = ['10.244.0.0/16'], nodeCidrMaskSizeIpv4 = 24, nodeCidrMaskSizeIpv6 = 64 } = options;
  const ranges = clusterCidrs.map((cidr) => new CidrRange(cidr, cidr.includes(':') ? nodeCidrMaskSizeIpv6 : nodeCidrMaskSizeIpv4));
  // What is taken is known anew at every start.
  return { name: 'node-ipam-controller', start: (environment) => allocator(ranges).start(environment) };
}

function allocator(ranges: readonly CidrRange[]): Controller {
  const allocations = ranges.map((range) => new Allocation(range));
  let hasSeenAll = false;
  return defineController<Node>({
    name: 'node-ipam-controller',
    component: 'cidrAllocator',
    for: Node,
    matters: (node, old) => node.spec.podCIDR !== old.spec.podCIDR,
    concurrency: 1,

    async reconcile(key, { lister, client, recorder, signal }) {
      if (!hasSeenAll) {
        for (const { metadata, spec } of lister.list(Node)) for (const allocation of allocations) allocation.note(metadata.name, rangesOf(spec));
        hasSeenAll = true;
      }
      const node = lister.get(Node, key);
      if (node === undefined || node.metadata.deletionTimestamp !== undefined) {
        for (const allocation of allocations) allocation.release(key);
        return done;
      }
      const has = rangesOf(node.spec);
      if (has.length > 0) {
        for (const allocation of allocations) allocation.note(key, has);
        return done;
      }
      const podCIDRs: string[] = [];
      for (const allocation of allocations) {
        const cidr = allocation.take(key);
        if (cidr !== undefined) podCIDRs.push(cidr);
      }
      if (podCIDRs.length < allocations.length) {
        for (const allocation of allocations) allocation.release(key);
        recorder.event({ object: node }, 'Normal', 'CIDRNotAvailable', `Node ${key} status is now: CIDRNotAvailable`);
        throw new Error(`no pod range is left for node ${key}`);
      }
      try {
        await client.patch(Node, { name: key }, { type: 'strategic', patch: { spec: { podCIDR: podCIDRs[0] ?? '', podCIDRs } } }, { signal });
      } catch (error) {
        for (const allocation of allocations) allocation.release(key);
        recorder.event({ object: node }, 'Normal', 'CIDRAssignmentFailed', `Node ${key} status is now: CIDRAssignmentFailed`);
        throw error;
      }
      return done;
    },
  });
}

function rangesOf({ podCIDR, podCIDRs }: Node['spec']): readonly string[] {
  return podCIDRs ?? (podCIDR === undefined ? [] : [podCIDR]);
}
