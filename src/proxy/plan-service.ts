import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { planServiceRules } from './plan-rules.ts';
import type { RuleOptions, ServiceRules } from './plan-rules.ts';
import { EndpointIndex } from './service-endpoints.ts';
import type { Family } from './service-endpoints.ts';
import type { ServiceHealth } from './service-health.ts';
import { healthOf } from './service-health.ts';
import { udpTargets } from './stale-flows.ts';
import type { UdpTargets } from './stale-flows.ts';

/** A port of a Service with a policy `Local` that has endpoints, but none on this node. */
export interface LocalGap {
  readonly family: Family;
  readonly policy: 'internal' | 'external';
}

/** Everything that a node does for one Service. */
export interface ServicePlan {
  /** Undefined when the Service is gone. */
  readonly rules: ServiceRules | undefined;
  readonly udp: UdpTargets;
  readonly health: ServiceHealth | undefined;
  readonly gaps: readonly LocalGap[];
}

/** For a Service that is gone. */
export const noPlan: ServicePlan = { rules: undefined, udp: new Map(), health: undefined, gaps: [] };

/** Pure. */
export function planService(service: Service, slices: readonly EndpointSlice[], options: RuleOptions): ServicePlan {
  return {
    rules: planServiceRules(service, slices, options),
    udp: udpTargets([service], slices, options),
    health: healthOf(service, slices, options.node.name),
    gaps: gapsOf(service, slices, options),
  };
}

function gapsOf(service: Service, slices: readonly EndpointSlice[], { node }: RuleOptions): readonly LocalGap[] {
  const { type, internalTrafficPolicy, externalTrafficPolicy, ports = [] } = service.spec;
  if (type === 'ExternalName') return [];
  const policies = [...(internalTrafficPolicy === 'Local' ? ['internal' as const] : []), ...(externalTrafficPolicy === 'Local' ? ['external' as const] : [])];
  if (policies.length === 0) return [];
  const endpoints = new EndpointIndex(slices, node);
  return (['ip', 'ip6'] as const).flatMap((family) => ports.flatMap((port) => {
    const { anywhere, local } = endpoints.choose(service, port.name ?? '', family);
    return anywhere && local.length === 0 ? policies.map((policy) => ({ family, policy })) : [];
  }));
}
