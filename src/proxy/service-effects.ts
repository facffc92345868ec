import type { Logger } from '#base/log.ts';
import type { StaleFlow } from './nft.ts';
import type { LocalGap, ServicePlan } from './plan-service.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { ServiceHealthPorts } from './service-health.ts';
import type { ServiceHealthOptions } from './service-health.ts';
import { planStaleFlows } from './stale-flows.ts';
import type { UdpTargets } from './stale-flows.ts';

export interface ServiceEffectsOptions extends ServiceHealthOptions {
  readonly metrics: ProxyMetrics;
  readonly log: Logger;
  /** False when it cannot. */
  readonly forgetUdpFlows: (flows: readonly StaleFlow[]) => Promise<boolean>;
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
    if (stale.length > 0 && !(await this.#options.forgetUdpFlows(stale)) && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.log.warn({}, 'the program conntrack is missing (Debian: apt-get install conntrack): UDP clients that keep their socket stay with endpoints that are gone');
    }
    await this.#healthPorts.update(new Map([...plans].map(([key, plan]) => [key, plan.health])));
  }

  close(): Promise<void> {
    return this.#healthPorts.close();
  }
}
