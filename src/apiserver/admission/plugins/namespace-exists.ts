import { Namespace } from '#api/core/namespace.ts';
import { notFound } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';

/**
 * Nothing is written or deleted in a namespace that does not exist.
 * Source: Kubernetes documentation, "NamespaceExists".
 */
export const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  validate({ operation, kind, namespace }, { objects }) {
    if (operation === 'CONNECT' || namespace === '' || kind.kind === 'Namespace' || objects.get(Namespace, namespace) !== undefined) return;
    throw notFound(Namespace, namespace);
  },
};
