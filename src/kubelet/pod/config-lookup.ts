import { hasReason } from '#apimachinery/status-error.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import type { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import type { Service } from '#api/core/service.ts';
import type { Client } from '#client/client.ts';
import type { Lister } from '#client/informer.ts';
import type { AuthConfig } from '../cri/records.ts';
import type { ConfigLookup } from './start-container.ts';

/** Asks the API when a container starts. */
export function createConfigLookup({ client, services }: { readonly client: Client; readonly services: Lister<Service> }): ConfigLookup {
  const secret = async (namespace: string, name: string): Promise<Secret | undefined> => unlessMissing(client.get<Secret>(Secret, { namespace, name }));
  return {
    async configMap(namespace, name) {
      const found = await unlessMissing(client.get<ConfigMap>(ConfigMap, { namespace, name }));
      return found === undefined ? undefined : (found.data ?? {});
    },
    async secret(namespace, name) {
      const found = await secret(namespace, name);
      return found === undefined ? undefined : (found.data ?? {});
    },
    services: (namespace) => (namespace === 'default' ? services.list('default') : [...services.list(namespace), ...services.list('default')]),
    async pullCredentials(pod: Pod, image: string) {
      const found: AuthConfig[] = [];
      for (const { name } of pod.spec.imagePullSecrets ?? []) {
        if (name === undefined || name === '') continue;
        // One that is missing is passed over: the pull may work without it.
        const held = await secret(pod.metadata.namespace, name);
        found.push(...credentialsFor(held?.data ?? {}, image));
      }
      return found;
    },
  };
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly username?: string; readonly password?: string; readonly auth?: string; readonly identitytoken?: string }>>;
}

/** The credentials a pull secret holds for the registry of an image. Pure. Source: Kubernetes documentation, "Images: config.json". */
export function credentialsFor(data: Readonly<Record<string, string>>, image: string): readonly AuthConfig[] {
  const text = data['.dockerconfigjson'] ?? data['.dockercfg'];
  if (text === undefined) return [];
  let config: DockerConfig;
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as DockerConfig & NonNullable<DockerConfig['auths']>;
    config = data['.dockerconfigjson'] === undefined ? { auths: parsed } : parsed;
  } catch {
    return [];
  }
  const first = image.split('/')[0] ?? '';
  const isNamed = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  const full = isNamed ? image : `docker.io/${image}`;
  return Object.entries(config.auths ?? {})
    .map(([key, entry]) => ({ place: key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '').replace(/^index\.docker\.io/, 'docker.io'), key, entry }))
    .filter(({ place }) => full === place || full.startsWith(`${place}/`))
    .sort((a, b) => b.place.length - a.place.length)
    .map(({ key, entry }) => {
      const [username = '', ...rest] = Buffer.from(entry.auth ?? '', 'base64').toString('utf8').split(':');
      return {
        serverAddress: key, username: entry.username ?? username, password: entry.password ?? rest.join(':'),
        ...(entry.identitytoken === undefined ? {} : { identityToken: entry.identitytoken }),
      };
    });
}
