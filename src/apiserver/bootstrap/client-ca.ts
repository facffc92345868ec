import { ConfigMap } from '#api/core/config-map.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';

const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };

/**
 * Tells extension API servers, and whoever else checks client certificates, which authority they are from, and how to
 * know the front proxy: `data` of the ConfigMap.
 * Source: Kubernetes documentation, "Configure the Aggregation Layer".
 */
export async function publishClientCa(client: Client, data: Readonly<Record<string, string>>): Promise<void> {
  try {
    const found = await client.get(ConfigMap, key);
    if (Object.entries(data).some(([name, value]) => found.data?.[name] !== value)) await client.update(ConfigMap, { ...found, data: { ...found.data, ...data } });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    await client.create(ConfigMap, { metadata: key, data }).catch((failure: unknown) => {
      // Another server of the cluster was quicker.
      if (!hasReason(failure, 'AlreadyExists')) throw failure;
    });
  }
}
