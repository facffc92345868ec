/** The validation step of every write: the declaration's checks, the metadata's, the kind's own rules. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '#apimachinery/names.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind, Rule, UpdateRule } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import { validateDeclared } from '#apimachinery/validate.ts';

/** Throws a 422 that names every fault. */
export function validateCreate(kind: ResourceKind, object: KubeObject): void {
  const errors = [
    ...validateObjectMeta(object.metadata, { path: 'metadata', nameRule: kind.strategy.name ?? 'dns-subdomain', namespaced: kind.scope === 'Namespaced' }),
    ...contentErrors(kind, object),
    ...(kind.strategy.validateCreate?.(object) ?? []),
  ];
  refuse(kind, object, errors);
}

/** The same for an update of the resource itself. */
export function validateUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject): void {
  const errors = [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata'),
    ...updatedContentErrors(kind, object, old),
  ];
  refuse(kind, object, errors);
}

/** The same for the status subresource: only what it may change is looked at. */
export function validateStatusUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject): void {
  refuse(kind, object, [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata'),
    ...updateErrors(kind.validateStatusUpdate, object, old),
  ]);
}

/** The same for another subresource, which has rules of its own. */
export function validatePartUpdate(kind: ResourceKind, object: KubeObject, old: KubeObject, rules: (object: KubeObject, old: KubeObject) => Iterable<FieldError>): void {
  refuse(kind, object, [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, 'metadata'),
    ...contentErrors(kind, object),
    ...rules(object, old),
  ]);
}

function refuse(kind: ResourceKind, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
}

/** What was stored under older rules may stay as it is; the rules of custom kinds see to that themselves. */
function updatedContentErrors(kind: ResourceKind, object: KubeObject, old: KubeObject): FieldError[] {
  const ofUpdate = (): FieldError[] => updateErrors(kind.validateUpdate, object, old);
  if (kind.isCustom === true) return ofUpdate();
  return sameContent(kind, object, old) ? [] : [...contentErrors(kind, object), ...ofUpdate()];
}

function sameContent(kind: ResourceKind, object: KubeObject, old: KubeObject): boolean {
  for (const key of kind.fields.keys()) {
    if (key === 'metadata' || key === 'status') continue;
    if (!saysTheSame((object as unknown as Record<string, unknown>)[key], (old as unknown as Record<string, unknown>)[key])) return false;
  }
  return true;
}

/**
 * A value that the declaration refuses is not looked at again by a rule: one fault, one message. Rules rely on what the
 * declaration demands; where it is not given, a rule may stumble, and has nothing to add to what is said already.
 */
function contentErrors(kind: ResourceKind, object: KubeObject): FieldError[] {
  const errors = validateDeclared(kind, object);
  const seen = new Set(errors.map((error) => `${error.path} ${error.type}`));
  const isAsDeclared = errors.length === 0;
  for (const rule of kind.validate as readonly Rule<KubeObject>[]) {
    try {
      for (const error of rule(object)) if (!seen.has(`${error.path} ${error.type}`)) errors.push(error);
    } catch (error) {
      if (isAsDeclared || !(error instanceof TypeError)) throw error;
    }
  }
  return errors;
}

function updateErrors(rules: readonly UpdateRule<never>[], object: KubeObject, old: KubeObject): FieldError[] {
  return (rules as readonly UpdateRule<KubeObject>[]).flatMap((rule) => [...rule(object, old)]);
}
