/** Quantities (`500m`, `2Gi`). Source: Kubernetes documentation, "CEL in Kubernetes: Kubernetes quantity library". */
import { one, traversal, traversalOf } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import type { OpaqueValue } from '../values.ts';
import { EvaluationError, maxInt, minInt, sizeOf } from '../values.ts';

/** Arithmetic of quantities, handed in by whoever has them. */
export interface Quantities<Q = unknown> {
  /** The amount in billionths. Throws for what is no quantity. */
  parse(text: string): Q;
  nanos(quantity: Q): bigint;
  fromNanos(nanos: bigint, like: Q): Q;
}

const read: Costs = { cost: ([text]) => traversalOf(sizeOf(text)), estimate: ([text = one]) => ({ cost: traversal(text) }) };
const billion = 1_000_000_000n;

export function quantityLibrary<Q>(quantities: Quantities<Q>): readonly Overload[] {
  class QuantityValue implements OpaqueValue {
    readonly celType = 'kubernetes.Quantity';
    readonly quantity: Q;
    constructor(quantity: Q) {
      this.quantity = quantity;
    }
    get nanos(): bigint {
      return quantities.nanos(this.quantity);
    }
    plus(nanos: bigint): QuantityValue {
      return new QuantityValue(quantities.fromNanos(this.nanos + nanos, this.quantity));
    }
    equals(other: OpaqueValue): boolean {
      return other instanceof QuantityValue && other.nanos === this.nanos;
    }
  }
  const parse = (text: string): QuantityValue => {
    try {
      return new QuantityValue(quantities.parse(text));
    } catch (error) {
      throw new EvaluationError(error instanceof Error ? error.message : String(error));
    }
  };
  const isQuantity = (text: string): boolean => {
    try {
      return parse(text) instanceof QuantityValue;
    } catch {
      return false;
    }
  };
  const isInteger = ({ nanos }: QuantityValue): boolean => nanos % billion === 0n && nanos / billion <= maxInt && nanos / billion >= minInt;
  return [
    overload('quantity(string): kubernetes.Quantity', parse, read),
    overload('isQuantity(string): bool', isQuantity, read),
    overload('kubernetes.Quantity.sign(): int', ({ nanos }: QuantityValue) => (nanos > 0n ? 1n : nanos < 0n ? -1n : 0n)),
    overload('kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity', (a: QuantityValue, b: QuantityValue) => a.plus(b.nanos)),
    overload('kubernetes.Quantity.add(int): kubernetes.Quantity', (a: QuantityValue, b: bigint) => a.plus(b * billion)),
    overload('kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity', (a: QuantityValue, b: QuantityValue) => a.plus(-b.nanos)),
    overload('kubernetes.Quantity.sub(int): kubernetes.Quantity', (a: QuantityValue, b: bigint) => a.plus(-b * billion)),
    overload('kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool', (a: QuantityValue, b: QuantityValue) => a.nanos < b.nanos),
    overload('kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool', (a: QuantityValue, b: QuantityValue) => a.nanos > b.nanos),
    overload('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: QuantityValue, b: QuantityValue) => (a.nanos < b.nanos ? -1n : a.nanos > b.nanos ? 1n : 0n)),
    overload('kubernetes.Quantity.isInteger(): bool', isInteger),
    overload('kubernetes.Quantity.asInteger(): int', (value: QuantityValue) => {
      if (!isInteger(value)) throw new EvaluationError('cannot convert value to integer');
      return value.nanos / billion;
    }),
    overload('kubernetes.Quantity.asApproximateFloat(): double', ({ nanos }: QuantityValue) => Number(nanos) / 1e9),
  ];
}
