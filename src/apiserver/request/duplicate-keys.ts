/**
 * Paths of keys that stand twice in one object of a JSON text (`spec.replicas`, `spec.ports[0].name`), each once.
 * `text` must be valid JSON. The parser does not tell, so this reads the text once more, but only its structure.
 */
export function duplicateKeys(text: string): readonly string[] {
  const found = new Set<string>();
  const stack: Level[] = [];
  let at = 0;
  while (at < text.length) {
    const top = stack.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        stack.push({ keys: new Set(), key: '', index: -1 });
        break;
      case 0x5b: // [
        stack.push({ keys: undefined, key: '', index: 0 });
        break;
      case 0x7d: // }
      case 0x5d: // ]
        stack.pop();
        break;
      case 0x2c: // ,
        if (top !== undefined && top.keys === undefined) top.index++;
        break;
      case 0x22: { // "
        const end = stringEnd(text, at);
        if (top?.keys !== undefined && isKey(text, end)) {
          const key = JSON.parse(text.slice(at, end)) as string;
          top.key = key;
          if (top.keys.has(key)) found.add(pathOf(stack));
          top.keys.add(key);
        }
        at = end - 1;
        break;
      }
      default:
    }
    at++;
  }
  return [...found];
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
