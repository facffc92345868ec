/**
 * An object seen by its parts. Rules, defaults and columns that a kind's declaration names cannot use the kind's own
 * type (it follows from the declaration); they are written against this shape, which every kind with a spec fits.
 */
import type { KubeObject, ObjectMeta } from './object-meta.ts';

export interface Parts<Spec, Status = unknown> extends KubeObject {
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status: Status;
}
