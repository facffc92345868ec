/** The tokens of an expression. Source: CEL specification, "Syntax". */
import { ExpressionError } from './ast.ts';
import { Uint } from './values.ts';

export type Token =
  | { readonly is: 'name' | 'symbol'; readonly at: number; readonly text: string }
  | { readonly is: 'literal'; readonly at: number; readonly text: string; readonly value: unknown }
  | { readonly is: 'end'; readonly at: number; readonly text: '<EOF>' };

const space = /(?:[ \t\r\n\f]+|\/\/[^\n]*)*/y;
const number = /0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const quotedWord = /`([A-Za-z0-9_.\-/ ]+)`/y;
const symbol = /&&|\|\||==|!=|<=|>=|[+\-*/%<>!?:.,()[\]{}]/y;
const text = /([rRbB]{0,2})("""|'''|"|')/y;

/** @throws ExpressionError */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  for (;;) {
    at += match(space)?.[0].length ?? 0;
    if (at >= source.length) break;
    const opening = match(text);
    if (opening !== null && isStringPrefix(opening[1] ?? '')) {
      const token = readText(source, at, opening);
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const found = match(number) ?? match(word) ?? match(quotedWord) ?? match(symbol);
    if (found === null) throw new ExpressionError(`Syntax error: token recognition error at: '${source[at]}'`, source, at);
    const [whole, quoted] = found;
    const first = whole[0] ?? '';
    if (/\d/.test(first) || (first === '.' && whole.length > 1)) tokens.push({ is: 'literal', at, text: whole, value: numberValue(whole, source, at) });
    else if (/[A-Za-z_]/.test(first)) tokens.push(wordToken(whole, at));
    else tokens.push({ is: quoted === undefined ? 'symbol' : 'name', at, text: quoted ?? whole });
    at += whole.length;
  }
  tokens.push({ is: 'end', at: source.length, text: '<EOF>' });
  return tokens;
}

function isStringPrefix(prefix: string): boolean {
  return prefix.length < 2 || prefix[0]?.toLowerCase() !== prefix[1]?.toLowerCase();
}

function wordToken(name: string, at: number): Token {
  if (name === 'true' || name === 'false') return { is: 'literal', at, text: name, value: name === 'true' };
  if (name === 'null') return { is: 'literal', at, text: name, value: null };
  return { is: name === 'in' ? 'symbol' : 'name', at, text: name };
}

function numberValue(digits: string, source: string, at: number): unknown {
  if (/^(?:\d+|0[xX][0-9a-fA-F]+)[uU]$/.test(digits)) {
    const value = BigInt(digits.slice(0, -1));
    if (value > 2n ** 64n - 1n) throw new ExpressionError('invalid uint literal', source, at);
    return new Uint(value);
  }
  if (/^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(digits)) {
    const value = BigInt(digits);
    // The smallest integer is written as minus its absolute value.
    if (value > 2n ** 63n) throw new ExpressionError('invalid int literal', source, at);
    return value;
  }
  return Number(digits);
}

function readText(source: string, at: number, [whole, prefix = '', quote = '']: RegExpExecArray): Token & { readonly is: 'literal' } {
  const isRaw = /r/i.test(prefix);
  const isBytes = /b/i.test(prefix);
  let index = at + whole.length;
  let value = '';
  for (;;) {
    if (index >= source.length || (quote.length === 1 && source[index] === '\n')) throw new ExpressionError(`Syntax error: token recognition error at: '${source.slice(at)}'`, source, at);
    if (source.startsWith(quote, index)) break;
    if (source[index] === '\\') {
      const { length, text: unescaped } = isRaw ? { length: 2, text: source.slice(index, index + 2) } : readEscape(source, index, isBytes);
      value += unescaped;
      index += length;
    } else {
      const char = String.fromCodePoint(source.codePointAt(index) ?? 0);
      value += isBytes ? String.fromCharCode(...new TextEncoder().encode(char)) : char;
      index += char.length;
    }
  }
  const end = index + quote.length;
  return { is: 'literal', at, text: source.slice(at, end), value: isBytes ? Uint8Array.from(value, (char) => char.charCodeAt(0)) : value };
}

const escapes: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '?': '?', '"': '"', "'": "'", '`': '`' };
const codeEscape = /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y;

function readEscape(source: string, at: number, isBytes: boolean): { readonly length: number; readonly text: string } {
  const known = escapes[source[at + 1] ?? ''];
  if (known !== undefined) return { length: 2, text: known };
  codeEscape.lastIndex = at;
  const match = codeEscape.exec(source);
  if (match === null) throw new ExpressionError(`Syntax error: token recognition error at: '${source.slice(at, at + 2)}'`, source, at);
  const [whole, x, capitalX, u, capitalU, octal] = match;
  const code = octal === undefined ? Number.parseInt(x ?? capitalX ?? u ?? capitalU ?? '0', 16) : Number.parseInt(octal, 8);
  if (code > 0x10ffff || (isBytes && (u !== undefined || capitalU !== undefined))) throw new ExpressionError('invalid unicode escape', source, at);
  return { length: whole.length, text: isBytes ? String.fromCharCode(code) : String.fromCodePoint(code) };
}
