import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, object, string, struct } from '#apimachinery/schema.ts';

export const ScaleSpec = struct('io.k8s.api.autoscaling.v1.ScaleSpec', {
  replicas: int32(1, { default: 0, published: true, min: 0 }),
});
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = struct('io.k8s.api.autoscaling.v1.ScaleStatus', {
  replicas: int32(1, { required: true }),
  selector: string(2),
});
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

type Parted = Parts<ScaleSpec, ScaleStatus>;

export const Scale = defineResource({
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  scope: 'Namespaced',
  verbs: [],
  fields: {
    spec: object(2, ScaleSpec),
    status: object(3, ScaleStatus),
  },
  columns: [
    nameColumn,
    column<Parted>('Desired', ({ spec }) => spec.replicas ?? 0, { type: 'integer' }),
    column<Parted>('Available', ({ status: now }) => now.replicas, { type: 'integer' }),
    ageColumn,
  ],
});
export interface Scale extends Infer<typeof Scale> {}
