/** Every active namespace has the service account `default`. */
import { Namespace } from '#api/core/namespace.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { done, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';

const accountName = 'default';

export const serviceAccountController = defineController<Namespace>({
  name: 'serviceaccount-controller',
  for: Namespace,
  matters: (namespace, old) => namespace.status.phase !== old.status.phase,
  watches: [watch(ServiceAccount, ({ metadata }) => (metadata.name === accountName ? [metadata.namespace] : []), () => false)],

  async reconcile(key, { lister, client, signal }) {
    const namespace = lister.get(Namespace, key);
    if (namespace === undefined || namespace.status.phase === 'Terminating' || namespace.metadata.deletionTimestamp !== undefined) return done;
    if (lister.get(ServiceAccount, `${key}/${accountName}`) !== undefined) return done;
    try {
      await client.create(ServiceAccount, { metadata: { name: accountName, namespace: key } }, { signal });
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
    return done;
  },
});
