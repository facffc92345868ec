/** Every active namespace has the cluster's root certificates, by which pods trust the API server. */
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Controller } from '#reconcile/controller.ts';
import { done, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';

const configMapName = 'kube-root-ca.crt';
const descriptionAnnotation = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. '
  + 'No other usage is guaranteed across distributions of Kubernetes clusters.';

/** `rootCaPem` is what is published. */
export function rootCaController(rootCaPem: string): Controller {
  const data = { 'ca.crt': rootCaPem };
  return defineController<Namespace>({
    name: 'root-ca-certificate-publisher-controller',
    for: Namespace,
    matters: (namespace, old) => namespace.status.phase !== old.status.phase,
    watches: [watch(ConfigMap, ({ metadata }) => (metadata.name === configMapName ? [metadata.namespace] : []))],

    async reconcile(key, { lister, client, signal }) {
      const namespace = lister.get(Namespace, key);
      if (namespace === undefined || namespace.status.phase === 'Terminating' || namespace.metadata.deletionTimestamp !== undefined) return done;
      const known = lister.get(ConfigMap, `${key}/${configMapName}`);
      if (known === undefined) {
        const metadata = { name: configMapName, namespace: key, annotations: { [descriptionAnnotation]: description } };
        await client.create(ConfigMap, { metadata, data }, { signal });
        return done;
      }
      if (saysTheSame(known.data, data) && (known.metadata.annotations?.[descriptionAnnotation] ?? '') !== '') return done;
      const annotations = { ...known.metadata.annotations, [descriptionAnnotation]: description };
      await client.update(ConfigMap, { ...known, metadata: { ...known.metadata, annotations }, data }, { signal });
      return done;
    },
  });
}
