import { kinds } from '#api/kinds.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

/** The kinds that are served now; asked anew each time, for kinds come and go. */
export type NamespacedKinds = () => readonly ResourceKind[];

const builtIn = kinds.filter((kind) => kind.convertedFrom === undefined && kind.scope === 'Namespaced' && kind.verbs.includes('delete'));

/** Those that are built in. A kind that is served in two versions counts once. */
export const builtInNamespacedKinds: NamespacedKinds = () => builtIn;
