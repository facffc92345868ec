/**
 * Who owns the number of replicas, as the subresource `scale` shows it: a Scale has one field that is the object's own, under
 * another name and version.
 *
 * Source: behaviour of the API server's field management for `scale`; KEP-555.
 */
import type { FieldSet, FieldSetDraft } from './field-set.ts';
import { difference, fieldSetFrom, hasPath, insertPath, isEmptySet } from './field-set.ts';
import { isSameWriter, sortEntries } from './managed-fields.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import { versionOf } from './object-versions.ts';

/** The path of the replicas in a version of the object; undefined where the version is not known. */
export type ReplicasPath = (apiVersion: string) => readonly string[] | undefined;

const scaleVersion = 'autoscaling/v1';
const replicasOfScale: readonly string[] = ['f:spec', 'f:replicas'];

/** `spec.replicas` as field sets name it. */
export function fieldPath(dotted: string): readonly string[] {
  return dotted.split('.').map((part) => `f:${part}`);
}

function setOf(path: readonly string[]): FieldSet {
  const set: FieldSetDraft = {};
  insertPath(set, path);
  return set;
}

function ownsReplicas(entry: ManagedFieldsEntry, path: ReplicasPath): boolean {
  const replicas = path(versionOf(entry));
  return replicas !== undefined && hasPath(fieldSetFrom(entry.fieldsV1), replicas);
}

/** The entries of the Scale: of the object's owners those that own the replicas. */
export function scaleEntries(entries: readonly ManagedFieldsEntry[], path: ReplicasPath): readonly ManagedFieldsEntry[] {
  return entries.filter((entry) => ownsReplicas(entry, path)).map((entry) => ({ ...entry, apiVersion: scaleVersion, fieldsV1: setOf(replicasOfScale) }));
}

/** The entries of the object when those of its Scale have become `scaled`, in the version `apiVersion` of the object. */
export function objectEntries(entries: readonly ManagedFieldsEntry[], scaled: readonly ManagedFieldsEntry[], { apiVersion, path }: { readonly apiVersion: string; readonly path: ReplicasPath }): readonly ManagedFieldsEntry[] {
  const asScale = (entry: ManagedFieldsEntry): ManagedFieldsEntry => ({ ...entry, apiVersion: scaleVersion });
  const left: ManagedFieldsEntry[] = [];
  const kept = new Set<ManagedFieldsEntry>();
  for (const entry of entries) {
    const replicas = path(versionOf(entry));
    if (replicas === undefined) continue;
    const still = scaled.find((each) => isSameWriter(asScale(entry), each));
    if (!ownsReplicas(entry, path)) left.push(entry);
    else if (still !== undefined) {
      kept.add(still);
      left.push(entry);
    } else {
      const rest = difference(fieldSetFrom(entry.fieldsV1), setOf(replicas));
      if (!isEmptySet(rest)) left.push({ ...entry, fieldsV1: rest });
    }
  }
  const replicas = path(apiVersion);
  const added = replicas === undefined ? [] : scaled.filter((each) => !kept.has(each) && !isEmptySet(fieldSetFrom(each.fieldsV1))).map((each) => ({ ...each, apiVersion, fieldsV1: setOf(replicas) }));
  return sortEntries([...left, ...added]);
}
