/** The kinds that API servers behind the API server keep in namespaces: only these know them. */
import { APIService } from '#api/apiregistration/api-service.ts';
import { compareVersions } from '#apimachinery/discovery.ts';
import type { ResourceKind, Verb } from '#apimachinery/resource.ts';
import type { Client } from '#client/client.ts';
import { openKind } from '#client/open-kind.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';

export interface RemoteKinds {
  readonly kinds: readonly ResourceKind[];
  /** Group versions whose server does not say what it serves: nobody knows what is left there. */
  readonly undiscovered: readonly string[];
}

/** Asks every server of an APIService; nobody where there is none. A resource that is served in two versions counts once. */
export async function remoteNamespacedKinds(lister: ControllerLister, client: Client, signal: AbortSignal): Promise<RemoteKinds> {
  const remote = lister.list(APIService).filter(({ spec }) => spec.service !== undefined);
  const found = new Map<string, ResourceKind>();
  const undiscovered: string[] = [];
  const preferred = remote.toSorted((left, right) => right.spec.versionPriority - left.spec.versionPriority || compareVersions(left.spec.version ?? '', right.spec.version ?? ''));
  for (const { spec: { group = '', version = '' } } of preferred) {
    try {
      for (const { name, singularName, namespaced, kind, verbs } of await client.resources(`${group}/${version}`, { signal })) {
        if (!namespaced || name.includes('/') || !verbs.includes('delete') || found.has(`${group}/${name}`)) continue;
        found.set(`${group}/${name}`, openKind({ group, version, kind, plural: name, singular: singularName, scope: 'Namespaced', verbs: verbs as readonly Verb[] }));
      }
    } catch (error) {
      if (signal.aborted) throw error;
      undiscovered.push(`${group}/${version}`);
    }
  }
  return { kinds: [...found.values()], undiscovered: undiscovered.sort() };
}
