/** For tests of kinds: what the server would make of an object, and what it would say is wrong with it. */
import { decodeDraft } from '#apimachinery/decode.ts';
import { describeFieldError } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind, UpdateRule } from '#apimachinery/resource.ts';
import { validateContent } from '#apimachinery/validate.ts';

/** Decoded with defaults, not yet prepared by the strategy. */
export function given<T extends KubeObject>(kind: ResourceKind<T>, input: object): Draft<T> {
  const draft = decodeDraft(kind, input, { defaults: true });
  kind.defaults?.(draft);
  return draft;
}

/** As it would be stored after a create; names and times are the caller's. */
export function created<T extends KubeObject>(kind: ResourceKind<T>, input: object): T {
  const draft = given(kind, input);
  kind.strategy.prepareForCreate?.(draft);
  return draft as unknown as T;
}

/** As it would be stored after an update of `old`. */
export function updated<T extends KubeObject>(kind: ResourceKind<T>, old: T, input: object): T {
  const draft = given(kind, input);
  kind.strategy.prepareForUpdate?.(draft, old);
  return draft as unknown as T;
}

/** What is wrong with an object, in words. */
export function errorsOf<T extends KubeObject>(kind: ResourceKind<T>, object: T): string[] {
  return validateContent(kind as unknown as ResourceKind, object).map(describeFieldError);
}

/** The same of an object that is new. */
export function createErrorsOf<T extends KubeObject>(kind: ResourceKind<T>, object: T): string[] {
  return [...errorsOf(kind, object), ...[...(kind.strategy.validateCreate?.(object) ?? [])].map(describeFieldError)];
}

/** What is wrong with what a controller says of `object`. */
export function statusErrorsOf<T extends KubeObject>(kind: ResourceKind<T>, object: T, old: T = object): string[] {
  const rules = kind.validateStatusUpdate as readonly UpdateRule<T>[];
  return rules.flatMap((rule) => [...rule(object, old)]).map(describeFieldError);
}

/** What a writer is told beside the answer. */
export function warningsOf<T extends KubeObject>(kind: ResourceKind<T>, object: T, old?: T): string[] {
  return [...(kind.strategy.warnings?.(object, old) ?? [])];
}

/** What the kind's own rules say against a change. */
export function updateErrorsOf<T extends KubeObject>(kind: ResourceKind<T>, object: T, old: T): string[] {
  const rules = kind.validateUpdate as readonly UpdateRule<T>[];
  return rules.flatMap((rule) => [...rule(object, old)]).map(describeFieldError);
}

/** The cells of one row by the names of their columns. */
export function rowOf<T extends KubeObject>(kind: ResourceKind<T>, object: T, nowMs: number): Record<string, string | number | boolean | null> {
  const row: Record<string, string | number | boolean | null> = {};
  for (const column of kind.columns ?? []) row[column.name] = (column.value as (object: T, nowMs: number) => string | number | boolean | null)(object, nowMs);
  return row;
}
