import type { KubeObject } from '#apimachinery/object-meta.ts';

const suffix = '.static.k8s.io';

/** A name that a file of the server's own may have one day. */
export function* staticNameWarnings({ metadata }: KubeObject): Iterable<string> {
  if (metadata.name.endsWith(suffix)) yield `metadata.name: names ending with "${suffix}" are reserved for static manifest-based configurations and cannot be managed via the API`;
}
