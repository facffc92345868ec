/**
 * Objects as rows: what `kubectl get` shows. The server makes the cells, so that every client shows the same.
 *
 * Source: Kubernetes API concepts, "Receiving resources as Tables".
 */
import { ageColumn, nameColumn } from './columns.ts';
import type { KubeObject, ObjectMeta } from './object-meta.ts';
import type { Column, ResourceKind } from './resource.ts';

export interface TableColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
export type TableCell = string | number | boolean | null;
export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ObjectMeta;
}
export interface TableRow {
  readonly cells: readonly TableCell[];
  readonly object: KubeObject | PartialObjectMetadata | null;
}
/** `metadata` (resourceVersion, continue) is the caller's to add: it is the list's. */
export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly columnDefinitions: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  /** What ages are counted to. */
  readonly nowMs: number;
  /** What each row carries besides its cells. Default: Metadata. */
  readonly includeObject?: 'Metadata' | 'None' | 'Object';
}

const defaultColumns: readonly Column<KubeObject>[] = [nameColumn, ageColumn];

/** The table of `objects`, in the columns that their kind declares (default: Name and Age). */
export function tableFor(kind: ResourceKind, objects: readonly KubeObject[], { nowMs, includeObject = 'Metadata' }: TableOptions): Table {
  const columns = columnsOf(kind);
  const cells = tableCells(kind, nowMs);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({ name, type, format, description, priority })),
    rows: objects.map((object) => ({ cells: cells(object), object: rowObject(object, includeObject) })),
  };
}

/** How a row's cells are made, for who makes the rows one by one. */
export function tableCells(kind: ResourceKind, nowMs: number): (object: KubeObject) => readonly TableCell[] {
  const columns = columnsOf(kind);
  return (object) => columns.map((column) => column.value(object, nowMs));
}

function columnsOf(kind: ResourceKind): readonly Column<KubeObject>[] {
  return kind.columns ?? defaultColumns;
}

function rowObject(object: KubeObject, include: 'Metadata' | 'None' | 'Object'): TableRow['object'] {
  switch (include) {
    case 'None':
      return null;
    case 'Object':
      return object;
    case 'Metadata':
      return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  }
}
