/** What writers of services are told beside the answer. Source: behaviour of the v1.36 API server. */
import { cidrWarnings, ipWarnings } from '#apimachinery/ip.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { ServiceSpec } from './service.ts';

const topologyHints = 'service.kubernetes.io/topology-aware-hints';

export function* serviceWarnings({ metadata, spec }: SpecPart<ServiceSpec>): Iterable<string> {
  if (metadata.annotations?.[topologyHints] !== undefined) yield `annotation ${topologyHints} is deprecated, please use service.kubernetes.io/topology-mode instead`;
  const isHeadless = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  const externalIPs = spec.externalIPs ?? [];
  const isAlias = spec.type === 'ExternalName';
  if (!isHeadless && !isAlias) for (const [index, ip] of (spec.clusterIPs ?? []).entries()) yield* ipWarnings(ip, `spec.clusterIPs[${index}]`);
  if (isHeadless) {
    if ((spec.loadBalancerIP ?? '') !== '') yield 'spec.loadBalancerIP is ignored for headless services';
    if (externalIPs.length > 0) yield 'spec.externalIPs is ignored for headless services';
    if (spec.sessionAffinity !== 'None') yield 'spec.SessionAffinity is ignored for headless services';
  }
  for (const [index, ip] of externalIPs.entries()) yield* ipWarnings(ip, `spec.externalIPs[${index}]`);
  if (externalIPs.length > 0 && !isHeadless && !isAlias) yield 'spec.externalIPs is deprecated and may no longer be implemented in some clusters';
  if (spec.loadBalancerIP !== undefined) yield* ipWarnings(spec.loadBalancerIP, 'spec.loadBalancerIP');
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) yield* cidrWarnings(range, `spec.loadBalancerSourceRanges[${index}]`);
  if (isAlias && externalIPs.length > 0) yield 'spec.externalIPs is ignored when spec.type is "ExternalName"';
  if (!isAlias && (spec.externalName ?? '') !== '') yield 'spec.externalName is ignored when spec.type is not "ExternalName"';
  if (spec.trafficDistribution === 'PreferClose') yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"';
}
