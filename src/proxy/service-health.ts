import type { Clock } from '#base/clock.ts';
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Handler } from '#serving/exchange.ts';
import type { HttpServer } from '#serving/http-server.ts';
import { createPlainServer } from '#serving/plain-server.ts';

/** What a load balancer asks this node about one Service. */
export interface ServiceHealth {
  readonly service: Service;
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

/** Of a Service that load balancers ask about by a port of its own (`healthCheckNodePort`); undefined for others. Pure. */
export function healthOf(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServiceHealth | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort = 0 } = service.spec;
  if (type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local' || healthCheckNodePort === 0) return undefined;
  const local = new Set<string>();
  for (const { addressType, endpoints } of slices) {
    if (addressType === 'FQDN') continue;
    for (const endpoint of endpoints) if (endpoint.nodeName === nodeName && endpoint.conditions.ready !== false) for (const address of endpoint.addresses.slice(0, 1)) local.add(address);
  }
  return { service, port: healthCheckNodePort, localEndpoints: local.size };
}

export interface ServiceHealthOptions {
  readonly clock: Clock;
  readonly isProxyHealthy: () => boolean;
  /** A port could not be opened. */
  readonly onFailure: (health: ServiceHealth, error: unknown) => void;
}

interface Open {
  health: ServiceHealth;
  readonly server: HttpServer;
}

/**
 * The ports by which load balancers find out whether a node has endpoints of a Service: 200 when it has, 503 when not.
 * Source: KEP-27, kube-proxy's healthCheckNodePort.
 */
export class ServiceHealthPorts {
  readonly #options: ServiceHealthOptions;
  readonly #open = new Map<string, Open>();

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
  }

  /** The Services that have a port. */
  keys(): Iterable<string> {
    return this.#open.keys();
  }

  /** Opens, closes and renews the ports of these Services (by `namespace/name`); undefined: none any more. */
  async update(changes: ReadonlyMap<string, ServiceHealth | undefined>): Promise<void> {
    for (const [key, health] of changes) {
      const known = this.#open.get(key);
      if (known !== undefined && known.health.port === health?.port) {
        known.health = health;
        continue;
      }
      if (known !== undefined) {
        this.#open.delete(key);
        await known.server.close({ drainMs: 0 });
      }
      if (health !== undefined) await this.#listen(key, health);
    }
  }

  async #listen(key: string, health: ServiceHealth): Promise<void> {
    const server = createPlainServer({ handler: (_request, response) => this.#answer(key, response), clock: this.#options.clock });
    try {
      await server.listen({ port: health.port });
      this.#open.set(key, { health, server });
    } catch (error) {
      this.#options.onFailure(health, error);
    }
  }

  #answer(key: string, response: Parameters<Handler>[1]): void {
    const health = this.#open.get(key)?.health;
    const localEndpoints = health?.localEndpoints ?? 0;
    const serviceProxyHealthy = this.#options.isProxyHealthy();
    const { namespace, name } = health?.service.metadata ?? {};
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'x-load-balancing-endpoint-weight': String(localEndpoints),
    });
    response.end(Buffer.from(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, undefined, '\t')));
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ server }) => server.close({ drainMs: 0 })));
  }
}
