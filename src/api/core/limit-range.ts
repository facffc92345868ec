import { createdAtColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { qualifiedName } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { compareQuantity, parseQuantity } from '#apimachinery/quantity.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, string, struct } from '#apimachinery/schema.ts';
import { isOvercommitable } from './resource-names.ts';
import { containerResourceName, resourceName } from './validate-resources.ts';

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
    yield* validateType(item.type, `${at}.type`);
    if (types.has(item.type)) yield duplicate(`${at}.type`, item.type);
    types.add(item.type);
    yield* validateNames(item, at);
    if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
      yield required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided');
    }
    yield* validateOrder(item, at);
    yield* validateRatios(item, `${at}.maxLimitRequestRatio`);
    yield* validateShares(item, at);
  }
}

function* validateType(type: string, path: string): Iterable<FieldError> {
  const wrong = qualifiedName(type);
  for (const message of wrong) yield invalidValue(path, type, message);
  const isStandard = ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type);
  if (wrong.length === 0 && !type.includes('/') && !isStandard) yield invalidValue(path, type, 'must be a standard limit type or fully qualified');
}

/** A pod as a whole gets no defaults: its containers do. */
function* validateNames(item: LimitRangeItem, path: string): Iterable<FieldError> {
  const rule = item.type === 'Pod' || item.type === 'Container' ? containerResourceName : resourceName;
  for (const key of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    const names = Object.keys(item[key] ?? {});
    const isDefault = key === 'default' || key === 'defaultRequest';
    if (item.type === 'Pod' && isDefault && names.length > 0) yield forbiddenField(`${path}.${key}`, "may not be specified when `type` is 'Pod'");
    else for (const name of names) yield* rule(name, `${path}.${key}[${name}]`);
  }
}

const words = { min: 'min value', max: 'max value', default: 'default value', defaultRequest: 'default request value' };
/** Which of two amounts may not be above which, where that is said, whose amount is shown, and what the upper is called. */
const steps = [
  ['min', 'max', 'min', 'min'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default', 'defaultRequest', 'defaultRequest', 'default limit value'],
  ['min', 'default', 'default', 'min'],
  ['default', 'max', 'default', 'max'],
] as const;

/** Least, default request, default, largest: in this order. */
function* validateOrder(item: LimitRangeItem, path: string): Iterable<FieldError> {
  for (const [low, high, field, shown, called = words[high]] of steps) {
    if (item.type === 'Pod' && (low !== 'min' || high !== 'max')) continue;
    for (const [name, amount] of Object.entries(item[low] ?? {})) {
      const limit = item[high]?.[name];
      if (limit !== undefined && compareQuantity(amount, limit) > 0) yield invalidValue(`${path}.${field}[${name}]`, item[shown]?.[name], `${words[low]} ${amount} is greater than ${called} ${limit}`);
    }
  }
}

function* validateRatios(item: LimitRangeItem, path: string): Iterable<FieldError> {
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    if (compareQuantity(ratio, '1') < 0) yield invalidValue(`${path}[${name}]`, ratio, `ratio ${ratio} is less than 1`);
    const [least, most] = [item.min?.[name], item.max?.[name]];
    if (least === undefined || most === undefined) continue;
    const limit = asNumber(most) / asNumber(least);
    if (asNumber(ratio) > limit) yield invalidValue(`${path}[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`);
  }
}

function asNumber(amount: string): number {
  return Number(parseQuantity(amount).nanos) / 1e9;
}

/** Of what cannot be shared out twice as much is requested as is allowed. */
function* validateShares({ default: limits = {}, defaultRequest = {}, type }: LimitRangeItem, path: string): Iterable<FieldError> {
  if (type === 'Pod') return;
  for (const [name, request] of Object.entries(defaultRequest)) {
    const limit = limits[name];
    if (limit !== undefined && !isOvercommitable(name) && compareQuantity(limit, request) !== 0) {
      yield invalidValue(`${path}.defaultRequest[${name}]`, request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`);
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
  strategy: { createOnUpdate: true, generation: false },
  defaults: ({ spec }) => spec.limits.forEach(defaultItem),
  validate: [validateLimits],
  columns: [nameColumn, createdAtColumn],
});
export interface LimitRange extends Infer<typeof LimitRange> {}
