/**
 * What expressions cost, in the units of the original: estimated from the sizes that types allow, and counted while they run.
 *
 * Source: KEP-2876; cel-go's cost model (a step costs 1, going over a text a tenth of its length, making a list 10).
 */

/** The least and the most that something can be. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Where nothing is known: as big as a 64-bit number. */
export const unbounded = 2 ** 64 - 1;
export const anySize: Range = { min: 0, max: unbounded };
export const one: Range = { min: 1, max: 1 };
export const nothing: Range = { min: 0, max: 0 };

const textFactor = 0.1;
const patternFactor = 0.25;
export const listCost = 10;
export const mapCost = 30;
export const objectCost = 40;

function bounded(value: number): number {
  return Math.min(value, unbounded);
}
export function fixed(value: number): Range {
  return { min: value, max: value };
}
export function add(...ranges: readonly Range[]): Range {
  return ranges.reduce((sum, each) => ({ min: bounded(sum.min + each.min), max: bounded(sum.max + each.max) }), nothing);
}
export function subtract(range: Range, amount: number): Range {
  return { min: Math.max(0, range.min - amount), max: Math.max(0, range.max - amount) };
}
export function multiply(left: Range, right: Range): Range {
  return { min: bounded(left.min * right.min), max: bounded(left.max * right.max) };
}
export function either(left: Range, right: Range): Range {
  return { min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) };
}
/** The cost of going over so many characters or elements. */
export function traversal(size: Range): Range {
  return { min: Math.ceil(size.min * textFactor), max: Math.ceil(size.max * textFactor) };
}
export function traversalOf(size: number): number {
  return Math.ceil(size * textFactor);
}
export function matching(text: Range, pattern: Range): Range {
  const steps = { min: Math.ceil(pattern.min * patternFactor), max: Math.ceil(pattern.max * patternFactor) };
  return multiply(traversal({ min: text.min + 1, max: bounded(text.max + 1) }), steps);
}
export function matchingOf(text: number, pattern: number): number {
  return traversalOf(text + 1) * Math.ceil(pattern * patternFactor);
}

/** An expression that has cost more than it may. Not an `EvaluationError`: nothing in the expression can absorb it. */
export class CostLimitError extends Error {
  override readonly name = 'CostLimitError';
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** One evaluation: its variables, and what it has cost. */
export class Frame {
  readonly variables: unknown[];
  readonly limit: number;
  cost = 0;

  constructor(variables: unknown[], limit: number) {
    this.variables = variables;
    this.limit = limit;
  }

  charge(amount: number): void {
    this.cost += amount;
    if (this.cost > this.limit) throw new CostLimitError();
  }
}
