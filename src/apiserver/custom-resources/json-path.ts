/**
 * The JSONPath that definitions use for columns, selectable fields and scale: fields, indexes, slices, wildcards, unions,
 * filters and descent.
 *
 * Source: Kubernetes documentation, "JSONPath Support".
 */
import { isJsonObject } from '#apimachinery/json.ts';

export type JsonPath = (value: unknown) => readonly unknown[];
type Step = (values: readonly unknown[]) => unknown[];

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

/** `.spec.replicas`, without braces. What is missing is no result. @throws JsonPathError */
export function jsonPath(text: string): JsonPath {
  const steps = new Reader(text).steps();
  return (value) => steps.reduce<readonly unknown[]>((values, step) => step(values), [value]);
}

/** A value as a cell or a selector shows it. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    if (this.#text.startsWith('$') || this.#text.startsWith('@')) this.#at++;
    while (this.#at < this.#text.length) steps.push(this.#step());
    return steps;
  }

  #step(): Step {
    const char = this.#text[this.#at];
    if (char === '[') return this.#bracket();
    if (char !== '.') throw new JsonPathError(`unrecognized character in ${this.#text}`);
    this.#at++;
    if (this.#text[this.#at] === '.') {
      this.#at++;
      const name = this.#name();
      return (values) => values.flatMap((value) => [...descendants(value)].flatMap((each) => field(each, name)));
    }
    if (this.#at === this.#text.length) return (values) => [...values];
    if (this.#text[this.#at] === '[') return this.#bracket();
    const name = this.#name();
    return (values) => values.flatMap((value) => field(value, name));
  }

  #name(): string {
    let name = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] ?? '';
      if (char === '.' || char === '[') break;
      if (char === '\\') this.#at++;
      name += this.#text[this.#at] ?? '';
    }
    return name;
  }

  #bracket(): Step {
    const end = this.#closing();
    const inner = this.#text.slice(this.#at + 1, end).trim();
    this.#at = end + 1;
    if (inner.startsWith('?(') && inner.endsWith(')')) return filter(inner.slice(2, -1).trim());
    const parts = splitOutsideQuotes(inner, ',').map((part) => selector(part.trim(), this.#text));
    return (values) => values.flatMap((value) => parts.flatMap((part) => part(value)));
  }

  #closing(): number {
    let depth = 0;
    let quote = '';
    for (let index = this.#at; index < this.#text.length; index++) {
      const char = this.#text[index] ?? '';
      if (quote !== '') {
        if (char === quote) quote = '';
      } else if (char === "'" || char === '"') quote = char;
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) return index;
    }
    throw new JsonPathError(`unterminated array in ${this.#text}`);
  }
}

function field(value: unknown, name: string): unknown[] {
  if (name === '*') return Array.isArray(value) ? [...(value as unknown[])] : isJsonObject(value) ? Object.values(value) : [];
  return isJsonObject(value) && Object.hasOwn(value, name) ? [value[name]] : [];
}

function* descendants(value: unknown): Iterable<unknown> {
  yield value;
  const below: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : isJsonObject(value) ? Object.values(value) : [];
  for (const each of below) yield* descendants(each);
}

function selector(part: string, whole: string): (value: unknown) => unknown[] {
  const quoted = /^(['"])(.*)\1$/s.exec(part)?.[2];
  if (quoted !== undefined) return (value) => field(value, quoted);
  if (part === '*') return (value) => field(value, '*');
  const slice = /^(-?\d*)(?::(-?\d*))?(?::(-?\d+))?$/.exec(part);
  if (slice === null || part === '') throw new JsonPathError(`invalid array index ${part} in ${whole}`);
  const [, from = '', to, step] = slice;
  return (value) => {
    if (!Array.isArray(value)) return [];
    const items = value as readonly unknown[];
    if (to === undefined && !part.includes(':')) {
      const item = items.at(Number(from));
      return item === undefined ? [] : [item];
    }
    const sliced = items.slice(from === '' ? 0 : Number(from), to === undefined || to === '' ? undefined : Number(to));
    return step === undefined ? sliced : sliced.filter((_, index) => index % Math.max(1, Number(step)) === 0);
  };
}

/** `@.type=="Ready"`: the items of a list for which it holds. */
function filter(text: string): Step {
  const match = /^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/s.exec(text);
  const test: (item: unknown) => boolean = match === null ? exists(jsonPath(text)) : comparison(operand(match[1] ?? ''), match[2] ?? '', operand(match[3] ?? ''));
  return (values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]).filter(test) : isJsonObject(value) ? Object.values(value).filter(test) : []));
}

function exists(path: JsonPath): (item: unknown) => boolean {
  return (item) => path(item).length > 0;
}

function operand(text: string): JsonPath {
  const trimmed = text.trim();
  const quoted = /^(['"])(.*)\1$/s.exec(trimmed)?.[2];
  if (quoted !== undefined) return () => [quoted];
  if (trimmed.startsWith('@') || trimmed.startsWith('$')) return jsonPath(trimmed);
  if (trimmed === 'true' || trimmed === 'false') return () => [trimmed === 'true'];
  const number = Number(trimmed);
  if (Number.isNaN(number)) throw new JsonPathError(`cannot compare with ${trimmed}`);
  return () => [number];
}

function comparison(left: JsonPath, operator: string, right: JsonPath): (item: unknown) => boolean {
  return (item) => {
    const [a] = left(item);
    const [b] = right(item);
    if (a === undefined || b === undefined) return false;
    switch (operator) {
      case '==': return a === b;
      case '!=': return a !== b;
      case '<': return (a as number) < (b as number);
      case '<=': return (a as number) <= (b as number);
      case '>': return (a as number) > (b as number);
      default: return (a as number) >= (b as number);
    }
  };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [''];
  let quote = '';
  for (const char of text) {
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = char;
    else if (char === separator) {
      parts.push('');
      continue;
    }
    parts[parts.length - 1] += char;
  }
  return parts;
}
