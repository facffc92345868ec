import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';

/** A few tens of kilobytes are printed in less than a millisecond. */
const pieceLength = 64 * 1024;

/**
 * What JSON.stringify makes of a large document, in pieces, so that others get their turn between them. Objects down to
 * `depth` below it come apart; what is below them is small.
 */
export function* jsonPieces(document: JsonObject, depth = 2): Generator<string, undefined> {
  let text = '';
  for (const part of parts(document, depth)) {
    text += part;
    if (text.length < pieceLength) continue;
    yield text;
    text = '';
  }
  yield text;
}

function* parts(value: JsonObject, depth: number): Generator<string, undefined> {
  let before = '{';
  for (const [key, each] of Object.entries(value) as readonly (readonly [string, JsonValue | undefined])[]) {
    if (each === undefined) continue;
    yield `${before}${JSON.stringify(key)}:`;
    if (depth > 0 && isJsonObject(each)) yield* parts(each, depth - 1);
    else yield JSON.stringify(each);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}
