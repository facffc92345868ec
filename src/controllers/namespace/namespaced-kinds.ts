import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { kinds } from '#api/kinds.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';
import { definedNamespacedKinds } from '../custom-resources/defined-kinds.ts';

const builtIn = kinds.filter((kind) => kind.convertedFrom === undefined && kind.scope === 'Namespaced' && kind.verbs.includes('delete'));

/** The kinds whose objects live in namespaces, as they are served now. One that is served in two versions counts once. */
export function namespacedKinds(lister: ControllerLister): readonly ResourceKind[] {
  return [...builtIn, ...definedNamespacedKinds(lister.list(CustomResourceDefinition))];
}
