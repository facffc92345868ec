/** What compiling a part of an expression gives. */
import type { Frame, Range } from './cost.ts';
import { anySize, one } from './cost.ts';
import type { CelType } from './types.ts';

export interface Compiled {
  readonly type: CelType;
  readonly run: (frame: Frame) => unknown;
  readonly cost: Range;
  /** Its value, where it is the same at every run: then running it costs nothing. */
  readonly constant?: { readonly value: unknown } | undefined;
  /** How big its value can be; undefined: as its type says. */
  readonly size?: Range | undefined;
}
export interface Scope {
  readonly names: ReadonlyMap<string, { readonly slot: number; readonly type: CelType; readonly size?: Range | undefined }>;
  readonly slots: { count: number };
}

/** How big a value can be. */
export function sizeRange({ type: of, size }: Compiled): Range {
  if (size !== undefined) return size;
  switch (of.is) {
    case 'string': case 'bytes': case 'list': case 'map':
      return of.size === undefined ? anySize : { min: 0, max: of.size };
    case 'dyn': case 'param': case 'object':
      return anySize;
    default:
      return one;
  }
}
