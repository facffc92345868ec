import { kinds } from '#api/kinds.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

/** Events have no owners and come in masses. */
const ignored: ReadonlySet<string> = new Set(['Event']);

const builtIn = kinds.filter(
  ({ convertedFrom, kind, verbs }) => convertedFrom === undefined && !ignored.has(kind) && (['delete', 'list', 'watch'] as const).every((verb) => verbs.includes(verb)),
);

/** The built-in kinds whose objects may own or be owned; one that is served in two versions counts once. */
export function collectableKinds(): readonly ResourceKind[] {
  return builtIn;
}
