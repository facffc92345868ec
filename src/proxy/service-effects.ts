import type { Logger } from '#base/log.ts';
import type { LocalGap, ServicePlan } from './plan-service.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import type { RuleWriter } from './rule-writer.ts';
import { ServiceHealthPorts } from './service-health.ts';
import type { ServiceHealthOptions } from './service-health.ts';
import { planStaleFlows } from './stale-flows.ts';
import type { UdpTargets } from './stale-flows.ts';
import { planReconciliation } from './udp-flows.ts';

export interface ServiceEffectsOptions extends ServiceHealthOptions {
  readonly metrics: ProxyMetrics;
  readonly log: Logger;
  readonly writer: Pick<RuleWriter, 'listUdpFlows' | 'forgetUdpFlows'>;
}

/** What a node does for Services beside the rules: stale UDP flows, health check ports, the count of local gaps. */
export class ServiceEffects {
  readonly #options: ServiceEffectsOptions;
  readonly #udp = new Map<string, UdpTargets>();
  readonly #gaps = new Map<string, readonly LocalGap[]>();
  readonly #healthPorts: ServiceHealthPorts;
  #hasWarned = false;

  constructor(options: ServiceEffectsOptions) {
    this.#options = options;
    this.#healthPorts = new ServiceHealthPorts(options);
  }

  /** Services (`namespace/name`) that something was done for; when they are gone it has to be undone. */
  keys(): ReadonlySet<string> {
    return new Set([...this.#udp.keys(), ...this.#gaps.keys(), ...this.#healthPorts.keys()]);
  }

  /** Call it when the rules of these plans are written. */
  async follow(plans: ReadonlyMap<string, ServicePlan>): Promise<void> {
    const stale = [...plans].flatMap(([key, { udp }]) => planStaleFlows(this.#udp.get(key) ?? new Map(), udp));
    for (const [key, { udp, gaps }] of plans) {
      if (udp.size === 0) this.#udp.delete(key);
      else this.#udp.set(key, udp);
      if (gaps.length === 0) this.#gaps.delete(key);
      else this.#gaps.set(key, gaps);
    }
    const gaps = [...this.#gaps.values()].flat();
    for (const family of ['ip', 'ip6'] as const) {
      for (const policy of ['internal', 'external'] as const) {
        this.#options.metrics.noLocalEndpoints(family, policy, gaps.filter((gap) => gap.family === family && gap.policy === policy).length);
      }
    }
    if (stale.length > 0 && !(await this.#options.writer.forgetUdpFlows(stale)) && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.log.warn({}, 'the program conntrack is missing (Debian: apt-get install conntrack): UDP clients that keep their socket stay with endpoints that are gone');
    }
    await this.#healthPorts.update(new Map([...plans].map(([key, plan]) => [key, plan.health])));
  }

  /** Compares what the kernel remembers with what there is: endpoints may have gone while nobody looked. */
  async reconcileUdp(): Promise<void> {
    const { writer, metrics, clock } = this.#options;
    const targets: UdpTargets = new Map([...this.#udp.values()].flatMap((each) => [...each]));
    if (targets.size === 0) return;
    for (const family of ['ip', 'ip6'] as const) {
      const startedMs = clock.monotonicMs();
      // The rules are written; that the kernel cannot be asked is no reason to write them again.
      const listing = await writer.listUdpFlows(family).catch((error: unknown) => {
        this.#options.log.warn({ error }, 'UDP flows cannot be listed');
        return undefined;
      });
      if (listing === undefined) return;
      const stale = await planReconciliation(listing, family, targets);
      if (stale.length > 0) await writer.forgetUdpFlows(stale);
      metrics.reconciledFlows(family, { seconds: (clock.monotonicMs() - startedMs) / 1000, deleted: stale.length });
    }
  }

  close(): Promise<void> {
    return this.#healthPorts.close();
  }
}
