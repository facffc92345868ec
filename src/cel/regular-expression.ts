/**
 * Regular expressions as Kubernetes' schemas and CEL have them: RE2, whose time is linear in the input, so that no
 * client can make the server think for ever.
 */
import { RE2JS } from 're2js';

export interface RegularExpression {
  /** Whether it is found anywhere in `text`. */
  test(text: string): boolean;
  /** The first match and its start, or undefined. */
  find(text: string, from: number): { readonly start: number; readonly end: number } | undefined;
}

export class RegularExpressionError extends Error {
  override readonly name = 'RegularExpressionError';
}

const compiled = new Map<string, RegularExpression>();
/** Enough for the patterns of hundreds of definitions; beyond it the oldest go. */
const maxCompiled = 1000;

/** @throws RegularExpressionError when `pattern` is none */
export function regularExpression(pattern: string): RegularExpression {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  let made: RE2JS;
  try {
    made = RE2JS.compile(pattern);
  } catch (error) {
    throw new RegularExpressionError(error instanceof Error ? error.message : String(error));
  }
  const expression: RegularExpression = {
    test: (text) => made.test(text),
    find(text, from) {
      const matcher = made.matcher(text);
      return matcher.find(from) ? { start: matcher.start(), end: matcher.end() } : undefined;
    },
  };
  if (compiled.size >= maxCompiled) for (const oldest of compiled.keys()) {
    compiled.delete(oldest);
    break;
  }
  compiled.set(pattern, expression);
  return expression;
}
