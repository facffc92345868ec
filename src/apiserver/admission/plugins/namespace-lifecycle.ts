import type { Namespace as NamespaceObject } from '#api/core/namespace.ts';
import { Namespace } from '#api/core/namespace.ts';
import { StatusError, forbidden, notFound } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';

/** Namespaces that a cluster cannot be without. */
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/**
 * Nothing is created in a namespace that does not exist or is being deleted; the system's namespaces stay.
 * Source: Kubernetes documentation, "NamespaceLifecycle".
 */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  mutate({ operation, kind, namespace, name, object }, { objects }) {
    if (kind.kind === 'Namespace' && kind.group === '') {
      if (operation === 'DELETE' && immortal.has(name)) throw forbidden(kind, name, 'this namespace may not be deleted');
      return;
    }
    if (operation !== 'CREATE' || kind.scope !== 'Namespaced' || namespace === '') return;
    const found: NamespaceObject | undefined = objects.get(Namespace, namespace);
    if (found === undefined) throw notFound(Namespace, namespace);
    if (found.metadata.deletionTimestamp !== undefined || found.status.phase === 'Terminating') {
      const objectName = object?.metadata.name ?? name;
      const refusal = forbidden(kind, objectName, `unable to create new content in namespace ${namespace} because it is being terminated`);
      throw new StatusError(refusal.code, refusal.reason, refusal.message, {
        ...refusal.details,
        causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
      });
    }
  },
  validate({ operation, kind, name }) {
    if (operation === 'DELETE' && kind.kind === 'Namespace' && kind.group === '' && immortal.has(name)) {
      throw forbidden(kind, name, 'this namespace may not be deleted');
    }
  },
};
