import type { Infer } from './schema.ts';
import { int64, string, struct, time } from './schema.ts';

/** One aspect of an object's state, as newer kinds report it. */
export const Condition = struct('io.k8s.apimachinery.pkg.apis.meta.v1.Condition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  observedGeneration: int64(3),
  lastTransitionTime: time(4, { required: true }),
  reason: string(5, { required: true }),
  message: string(6, { required: true }),
});
export interface Condition extends Infer<typeof Condition> {}
