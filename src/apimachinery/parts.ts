/**
 * An object seen by its parts. Rules, defaults and columns that a kind's declaration names cannot use the kind's own
 * type (it follows from the declaration); they are written against this shape, which every kind with a spec fits.
 */
import type { KubeObject, ObjectMeta } from './object-meta.ts';

export interface Parts<Spec, Status> extends SpecPart<Spec> {
  readonly status: Status;
}

/** Of kinds without a status, or where it does not matter. */
export interface SpecPart<Spec> extends KubeObject {
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
}
