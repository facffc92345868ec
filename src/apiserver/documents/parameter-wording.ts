/**
 * What the parameters of operations are for, in Kubernetes' words: from the comments of the npm package
 * `@kubernetes/client-node`, which was generated of Kubernetes' own document.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ParameterWording } from '#apimachinery/openapi-print.ts';
import { folderOf } from './text-packages.ts';

/** Of the core group: there are operations with every parameter, and all that have some of their own. */
const group = 'CoreV1';
const file = `dist/gen/apis/${group}Api.d.ts`;

let onceRead: Promise<ParameterWording> | undefined;

/** Kept once read: some forty texts. Without the package nothing is known. */
export function parameterWording(): Promise<ParameterWording> {
  const folder = folderOf('@kubernetes/client-node');
  return (onceRead ??= folder === undefined ? Promise.resolve(() => undefined) : readFile(path.join(folder, file), 'utf8').then(readWording, () => () => undefined));
}

/** Pure: from the comments of methods. Kept is what the first says, what the first of each verb says, and what differs. */
export function readWording(source: string): ParameterWording {
  const known = new Map<string, string>();
  const find = (method: string, name: string): string | undefined => known.get(`${method} ${name}`) ?? known.get(`${verbOf(method)} ${name}`) ?? known.get(name);
  let texts = new Map<string, string>();
  for (const line of source.split('\n')) {
    const [, parameter, text] = /^ +\* @param (\w+) (.+)$/.exec(line) ?? [];
    // `_continue` is a word of the language; `path2` is the second of two that have one name, one of them in the path.
    if (parameter !== undefined && text !== undefined) texts.set(parameter.replaceAll(/^_|2$/g, ''), text);
    const [, method] = /^ {4}(\w+)\(/.exec(line) ?? [];
    if (method === undefined) continue;
    for (const [name, printed] of texts) {
      const words = asPublished(name, printed);
      for (const key of [name, `${verbOf(method)} ${name}`]) if (!known.has(key)) known.set(key, words);
      if (find(method, name) !== words) known.set(`${method} ${name}`, words);
    }
    texts = new Map();
  }
  return (operationId, { name, in: where }) => (where === 'path' ? undefined : find(operationId.replace(group, ''), name));
}

/** `connect` of `connectGetNamespacedPodExec`. */
function verbOf(method: string): string {
  return /^[a-z]+/.exec(method)?.[0] ?? '';
}

/** Parameters whose texts are laid out in lines. */
const ofLines = new Set(['continue', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector']);

/**
 * The generator escapes quotes and makes a blank of each line break. Where lines began is told by what followed: an
 * indentation, an empty line, the mark of an item.
 */
function asPublished(name: string, text: string): string {
  const words = text.replaceAll(/\\?&(quot|#39|#x3D|#x60|lt|gt|amp);/g, (_whole, character: string) => characters[character] ?? '');
  if (!ofLines.has(name)) return words;
  return words.replaceAll(/ {2,5}(?! |will )/g, (blanks) => lineBreaks[blanks.length] ?? blanks).replaceAll('. - ', '.\n- ');
}

const characters: Readonly<Record<string, string>> = { quot: '"', '#39': "'", '#x3D': '=', '#x60': '`', lt: '<', gt: '>', amp: '&' };
const lineBreaks: Readonly<Record<number, string>> = { 2: '\n\n', 3: '\n  ', 4: '\n\n  ', 5: '\n    ' };
