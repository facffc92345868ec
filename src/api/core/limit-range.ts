import { createdAtColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, string, struct } from '#apimachinery/schema.ts';
import { nonNegative } from './validate-resources.ts';

export const LimitRangeItem = struct('io.k8s.api.core.v1.LimitRangeItem', {
  type: string(1, { required: true }),
  max: map(2, 'quantity'),
  min: map(3, 'quantity'),
  default: map(4, 'quantity'),
  defaultRequest: map(5, 'quantity'),
  maxLimitRequestRatio: map(6, 'quantity'),
});
export interface LimitRangeItem extends Infer<typeof LimitRangeItem> {}

export const LimitRangeSpec = struct('io.k8s.api.core.v1.LimitRangeSpec', {
  limits: list(1, LimitRangeItem, { required: true, mayBeEmpty: true, listType: 'atomic' }),
});
export interface LimitRangeSpec extends Infer<typeof LimitRangeSpec> {}

/** For containers: the default limit is the largest allowed, the default request the default limit or the least allowed. */
function defaultItem(item: Draft<LimitRangeItem>): void {
  if (item.type !== 'Container') return;
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
  if (Object.keys(item.default).length === 0) delete item.default;
  if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest;
}

function* validateLimits({ spec }: SpecPart<LimitRangeSpec>): Iterable<FieldError> {
  const types = new Set<string>();
  for (const [index, item] of spec.limits.entries()) {
    const at = `spec.limits[${index}]`;
    if (types.has(item.type)) yield duplicate(`${at}.type`, item.type);
    types.add(item.type);
    for (const key of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
      for (const [name, amount] of Object.entries(item[key] ?? {})) yield* nonNegative(amount, `${at}.${key}[${name}]`);
    }
    yield* validateOrder(item, at);
  }
}

/** Least, default request, default, largest: in this order. */
function* validateOrder(item: LimitRangeItem, path: string): Iterable<FieldError> {
  const steps = [['min', 'max'], ['min', 'defaultRequest'], ['defaultRequest', 'max'], ['defaultRequest', 'default'], ['min', 'default'], ['default', 'max']] as const;
  const words = { min: 'min value', max: 'max value', default: 'default value', defaultRequest: 'default request value' };
  for (const [low, high] of steps) {
    for (const [name, amount] of Object.entries(item[low] ?? {})) {
      const limit = item[high]?.[name];
      if (limit === undefined || compareQuantity(amount, limit) <= 0) continue;
      const field = low === 'min' && high !== 'max' ? high : low;
      yield invalidValue(`${path}.${field}[${name}]`, item[field]?.[name], `${words[low]} ${amount} is greater than ${words[high]} ${limit}`);
    }
  }
}

export const LimitRange = defineResource({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, LimitRangeSpec),
  },
  strategy: { generation: false },
  defaults: ({ spec }) => spec.limits.forEach(defaultItem),
  validate: [validateLimits],
  columns: [nameColumn, createdAtColumn],
});
export interface LimitRange extends Infer<typeof LimitRange> {}
