/** The validation step of every write: the declaration's checks, the metadata's, the kind's own rules. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '#apimachinery/names.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind, UpdateRule } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import { validateContent } from '#apimachinery/validate.ts';
import { toServed } from './served.ts';

/** Throws a 422 that names every fault. `served` is the version that the client wrote, which may ask for more than the stored one. */
export function validateCreate(kind: ResourceKind, object: KubeObject, served: ResourceKind): void {
  const errors = [
    ...validateObjectMeta(object.metadata, { path: 'metadata', nameRule: kind.strategy.name ?? 'dns-subdomain', namespaced: kind.scope === 'Namespaced', qualifiesFinalizers: qualifiesFinalizers(kind) }),
    ...validateContent(kind, object),
    ...(kind.strategy.validateCreate?.(object) ?? []),
    ...(asksForMore(served, kind) ? (served.strategy.validateCreate?.(toServed(served, object)) ?? []) : []),
  ];
  refuse(kind, object, errors);
}

/** The same for an update of the resource itself. */
export function validateUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject, served: ResourceKind): void {
  const errors = [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata', qualifiesFinalizers(kind)),
    ...updatedContentErrors(kind, object, old),
    ...(asksForMore(served, kind) ? updateErrors(served.validateUpdate, toServed(served, object), toServed(served, old)) : []),
  ];
  refuse(kind, object, errors);
}

/** The same for the status subresource: only what it may change is looked at. */
export function validateStatusUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject): void {
  refuse(kind, object, [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata', qualifiesFinalizers(kind)),
    ...updateErrors(kind.validateStatusUpdate, object, old),
  ]);
}

/** The same for another subresource, which has rules of its own. */
export function validatePartUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject, rules: (object: KubeObject, old: KubeObject) => Iterable<FieldError>): void {
  refuse(kind, object, [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata', qualifiesFinalizers(kind)),
    ...validateContent(kind, object),
    ...rules(object, old),
  ]);
}

/** The versions of custom kinds differ in their schemas alone. */
function asksForMore(served: ResourceKind, kind: ResourceKind): boolean {
  return served !== kind && served.isCustom !== true;
}

/**
 * Groups whose finalizers need no domain: their servers are made of libraries that know no kind, as those of custom kinds.
 * The finalizer that CustomResourceDefinitions get has none.
 */
const looseGroups: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io', 'admissionregistration.k8s.io', 'coordination.k8s.io']);

function qualifiesFinalizers(kind: ResourceKind): boolean {
  return kind.isCustom !== true && !looseGroups.has(kind.group);
}

function refuse(kind: ResourceKind, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
}

/** What was stored under older rules may stay as it is; the rules of custom kinds see to that themselves. */
function updatedContentErrors(kind: ResourceKind, object: KubeObject, old: KubeObject): FieldError[] {
  const ofUpdate = (): FieldError[] => updateErrors(kind.validateUpdate, object, old);
  if (kind.isCustom === true) return ofUpdate();
  return sameContent(kind, object, old) ? [] : [...validateContent(kind, object), ...ofUpdate()];
}

function sameContent(kind: ResourceKind, object: KubeObject, old: KubeObject): boolean {
  for (const key of kind.fields.keys()) {
    if (key === 'metadata' || key === 'status') continue;
    if (!saysTheSame((object as unknown as Record<string, unknown>)[key], (old as unknown as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function updateErrors(rules: readonly UpdateRule<never>[], object: KubeObject, old: KubeObject): FieldError[] {
  return (rules as readonly UpdateRule<KubeObject>[]).flatMap((rule) => [...rule(object, old)]);
}
