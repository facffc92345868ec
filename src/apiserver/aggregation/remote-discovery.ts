/** What another API server says it serves, in either form of discovery. */
import type { LegacyResource, ServedVersion } from './merge-discovery.ts';
import { discoveryVersion } from './merge-discovery.ts';
import type { RemoteServer } from './remote-server.ts';

const aggregatedTypes = ['v2', 'v2beta1'].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);

interface DiscoveryList {
  readonly items?: readonly { readonly metadata?: { readonly name?: string }; readonly versions?: readonly ServedVersion[] }[];
}

/** Of a version that has never been asked successfully. */
export function nothingServed(version: string): ServedVersion {
  return discoveryVersion(version, [], 'Stale');
}

/** Throws when the server gives neither form. */
export async function fetchDiscovery(server: RemoteServer, signal: AbortSignal): Promise<ServedVersion> {
  const { group = '', version = '' } = server.service.spec;
  const all = await server.fetch(group === '' ? '/api' : '/apis', { accept: [...aggregatedTypes, 'application/json'].join(','), signal });
  if (all.code === 200 && all.contentType.includes('as=APIGroupDiscoveryList')) {
    const { items = [] } = JSON.parse(all.text) as DiscoveryList;
    const found = items.find(({ metadata }) => (metadata?.name ?? '') === group)?.versions?.find((each) => each.version === version);
    return { version, resources: found?.resources ?? [], freshness: 'Current' };
  }
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const { code, text } = await server.fetch(path, { signal });
  if (code !== 200) throw new Error(`failed to download discovery for ${path}: ${code}`);
  const { resources = [] } = JSON.parse(text) as { readonly resources?: readonly LegacyResource[] };
  return discoveryVersion(version, resources, 'Current');
}
