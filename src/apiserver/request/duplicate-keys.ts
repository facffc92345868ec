/** A key that stands twice in one object. */
export interface DuplicateKey {
  /** Such as `spec.replicas` and `spec.ports[0].name`; undefined where the document is YAML, of which only lines are told. */
  readonly path: string | undefined;
  readonly key: string;
  /** The line, from 1, where it stands again. */
  readonly line: number;
}

/**
 * The keys that stand twice in one object of a JSON text, each once. `text` must be valid JSON. The parser does not tell,
 * so this reads the text once more, but only its structure.
 */
export function duplicateKeys(text: string): readonly DuplicateKey[] {
  return [...findKeys(text, new Set()).values()].filter((each) => each !== undefined);
}

/** `paths` of fields and the duplicate keys of a JSON text, in the order in which they stand in it. */
export function inDocumentOrder(text: string, paths: readonly string[]): readonly (DuplicateKey | string)[] {
  const found = findKeys(text, new Set(paths));
  const ordered = [...found].map(([path, duplicate]) => duplicate ?? path.slice(1));
  return [...ordered, ...paths.filter((each) => !found.has(`?${each}`))];
}

/** What is found: duplicates under their paths, other keys that are `wanted` under `?` and theirs. */
function findKeys(text: string, wanted: ReadonlySet<string>): ReadonlyMap<string, DuplicateKey | undefined> {
  const found = new Map<string, DuplicateKey | undefined>();
  const stack: Level[] = [];
  let top: Level | undefined;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        stack.push((top = { keys: new Set(), key: '', index: -1 }));
        break;
      case 0x5b: // [
        stack.push((top = { keys: undefined, key: '', index: 0 }));
        break;
      case 0x7d: // }
      case 0x5d: // ]
        stack.pop();
        top = stack.at(-1);
        break;
      case 0x2c: // ,
        if (top !== undefined && top.keys === undefined) top.index++;
        break;
      case 0x22: { // "
        const end = stringEnd(text, at);
        if (top?.keys !== undefined && isKey(text, end)) {
          const key = keyOf(text, at, end);
          top.key = key;
          if (wanted.size > 0) {
            const path = pathOf(stack);
            if (wanted.has(path) && !found.has(`?${path}`)) found.set(`?${path}`, undefined);
          }
          if (top.keys.has(key)) {
            const path = pathOf(stack);
            if (!found.has(path)) found.set(path, { path, key, line: text.slice(0, at).split('\n').length });
          }
          top.keys.add(key);
        }
        at = end - 1;
        break;
      }
      default:
    }
  }
  return found;
}

/** What the string from `start` to before `end` says. */
function keyOf(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end - 1);
  return key.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : key;
}

interface Level {
  /** Of an object: the keys so far; of a list: undefined. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

/** The index behind the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === 0x3a;
}

function pathOf(stack: readonly Level[]): string {
  let path = '';
  for (const level of stack) path += level.keys === undefined ? `[${level.index}]` : path === '' ? level.key : `.${level.key}`;
  return path;
}
