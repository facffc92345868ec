/**
 * Counters that are touched on every request: an addition, nothing else. Everything is printed when somebody reads the
 * metrics.
 *
 * Source: Prometheus text exposition format 0.0.4.
 */
export type Labels = Readonly<Record<string, string>>;

/** One number of a family; whoever counts often keeps it. */
export interface Sum {
  value: number;
}

/** A family of numbers that only grow, or, as a gauge, go up and down. */
export class Sums {
  readonly #head: string;
  readonly #name: string;
  readonly #byLabels = new Map<string, Sum>();

  constructor(name: string, help: string, type: 'counter' | 'gauge' = 'counter') {
    this.#name = name;
    this.#head = head(name, help, type);
  }

  /** `labels` as `labelText` makes it. */
  of(labels: string): Sum {
    let sum = this.#byLabels.get(labels);
    if (sum === undefined) {
      sum = { value: 0 };
      this.#byLabels.set(labels, sum);
    }
    return sum;
  }

  text(): string {
    if (this.#byLabels.size === 0) return '';
    return `${this.#head}${[...this.#byLabels].map(([labels, { value }]) => `${this.#name}${braces(labels)} ${value}\n`).join('')}`;
  }
}

/** One distribution of a family. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds.map(() => 0), 0];
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  text(name: string, labels: string): string {
    const comma = labels === '' ? '' : ',';
    let text = '';
    let total = 0;
    for (const [index, count] of this.#counts.entries()) {
      total += count;
      text += `${name}_bucket{${labels}${comma}le="${this.#bounds[index] ?? '+Inf'}"} ${total}\n`;
    }
    return `${text}${name}_sum${braces(labels)} ${this.#sum}\n${name}_count${braces(labels)} ${total}\n`;
  }
}

/** A family of distributions over the same bounds. */
export class Distributions {
  readonly #head: string;
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #byLabels = new Map<string, Distribution>();

  /** `bounds`: upper ends of the buckets, ascending, without infinity. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#head = head(name, help, 'histogram');
    this.#bounds = bounds;
  }

  of(labels: string): Distribution {
    let found = this.#byLabels.get(labels);
    if (found === undefined) {
      found = new Distribution(this.#bounds);
      this.#byLabels.set(labels, found);
    }
    return found;
  }

  text(): string {
    if (this.#byLabels.size === 0) return '';
    return `${this.#head}${[...this.#byLabels].map(([labels, distribution]) => distribution.text(this.#name, labels)).join('')}`;
  }
}

/** `verb="GET",resource="pods"`. */
export function labelText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`).join(',');
}

/** Lines for numbers that are known only when asked. */
export function gaugeText(name: string, help: string, values: Iterable<readonly [labels: Labels, value: number]>): string {
  const lines = [...values].map(([labels, value]) => `${name}${braces(labelText(labels))} ${value}\n`);
  return lines.length === 0 ? '' : `${head(name, help, 'gauge')}${lines.join('')}`;
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}
