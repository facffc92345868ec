/** The kinds that CustomResourceDefinitions make, as a client sees them. */
import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { openKind } from '#client/open-kind.ts';

/** The same definition (by uid) is the same kind, however often it changes. */
const kinds = new Map<string, ResourceKind>();
/** Kinds remembered; a forgotten one is made anew and only costs a second informer. */
const maxRemembered = 2000;

/** The kind in the version that is stored, if that is served, else in the first that is; undefined while none is. */
export function definedKind({ metadata, spec, status }: CustomResourceDefinition): ResourceKind | undefined {
  const isEstablished = status.conditions.some(({ type, status: state }) => type === 'Established' && state === 'True');
  const served = spec.versions.filter((version) => version.served);
  const version = served.find(({ storage }) => storage) ?? served[0];
  if (!isEstablished || version === undefined) return undefined;
  const id = `${metadata.uid}/${version.name}`;
  let kind = kinds.get(id);
  if (kind === undefined) {
    const { kind: name, plural, singular, listKind } = status.acceptedNames;
    kind = openKind({ group: spec.group, version: version.name, kind: name, plural, singular, listKind, scope: spec.scope });
    if (kinds.size >= maxRemembered) kinds.clear();
    kinds.set(id, kind);
  }
  return kind;
}

/** Of all definitions, the kinds whose objects live in namespaces. */
export function definedNamespacedKinds(definitions: readonly CustomResourceDefinition[]): readonly ResourceKind[] {
  return definitions.flatMap((definition) => (definition.spec.scope === 'Namespaced' ? (definedKind(definition) ?? []) : []));
}
