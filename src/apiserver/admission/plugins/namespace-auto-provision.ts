import { Namespace } from '#api/core/namespace.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { AdmissionPlugin } from '../admission.ts';

/**
 * Whoever creates something in a namespace that does not exist gets the namespace as well.
 * Source: Kubernetes documentation, "NamespaceAutoProvision".
 */
export function namespaceAutoProvision(admin: () => Client): AdmissionPlugin {
  return {
    name: 'NamespaceAutoProvision',
    mutate({ operation, kind, namespace, dryRun }, { objects }) {
      if (operation !== 'CREATE' || dryRun || namespace === '' || kind.kind === 'Namespace' || objects.get(Namespace, namespace) !== undefined) return undefined;
      return admin().create(Namespace, { metadata: { name: namespace } }).then(
        () => undefined,
        (error: unknown) => {
          if (!hasReason(error, 'AlreadyExists')) throw error;
        },
      );
    },
  };
}
