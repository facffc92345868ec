import type { Infer } from './schema.ts';
import { list, map, string, struct } from './schema.ts';

export const LabelSelectorRequirement = struct('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement', {
  key: string(1, { required: true }),
  operator: string(2, { required: true }),
  values: list(3, 'string', { listType: 'atomic' }),
});
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

/** A query over labels, as objects hold it; the query string form is in `selector.ts`. */
export const LabelSelector = struct(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  {
    matchLabels: map(1, 'string'),
    matchExpressions: list(2, LabelSelectorRequirement, { listType: 'atomic' }),
  },
  { atomic: true },
);
export interface LabelSelector extends Infer<typeof LabelSelector> {}
