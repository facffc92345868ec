import { ConfigMap } from '#api/core/config-map.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';

const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };

/**
 * Tells extension API servers, and whoever else checks client certificates, which authority they are from, and how to
 * know the front proxy: `data` of the ConfigMap. What other servers of the cluster have said stays beside it.
 * Source: Kubernetes documentation, "Configure the Aggregation Layer".
 */
export async function publishClientCa(client: Client, data: Readonly<Record<string, string>>): Promise<void> {
  try {
    const found = await client.get(ConfigMap, key);
    const wanted = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, combined(found.data?.[name], value)]));
    if (Object.entries(wanted).some(([name, value]) => found.data?.[name] !== value)) await client.update(ConfigMap, { ...found, data: { ...found.data, ...wanted } });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    await client.create(ConfigMap, { metadata: key, data }).catch((failure: unknown) => {
      // Another server of the cluster was quicker.
      if (!hasReason(failure, 'AlreadyExists')) throw failure;
    });
  }
}

const pemPattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Certificates one after the other, lists of names united; what is neither is replaced. */
function combined(before: string | undefined, own: string): string {
  if (before === undefined || before === own) return own;
  if (own.startsWith('[')) return JSON.stringify(united(namesIn(before), namesIn(own)));
  const others = (before.match(pemPattern) ?? []).filter((pem) => !own.includes(pem));
  return others.length === 0 ? own : `${[...others, ...own.match(pemPattern) ?? []].join('\n')}\n`;
}

function namesIn(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

function united(before: readonly string[], own: readonly string[]): readonly string[] {
  return [...new Set([...before, ...own])];
}
