/** Style that a linter does not see: time and chance only by hand, names of files, nothing left behind. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const files = globSync(['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts'], { cwd: root }).sort();
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const ofProduct = files.filter((file) => file.startsWith('src/') && !/\.(test|contract|fixture)\.ts$/.test(file));

/** Every line of `among` that matches, as `file:line: text`; comments and strings of one line do not count. */
function linesWith(pattern: RegExp, among: readonly string[]): readonly string[] {
  return among.flatMap((file) => (texts.get(file) ?? '').split('\n').flatMap((line, index) =>
    (pattern.test(codeOf(line)) ? [`${file}:${index + 1}: ${line.trim()}`] : [])));
}

function codeOf(line: string): string {
  if (/^\s*(\/?\*|\/\/)/.test(line)) return '';
  return line.replace(/'(?:[^'\\]|\\.)*'/g, "''").replace(/`(?:[^`\\$]|\\.)*`/g, '``').replace(/\s\/\/.*$/, '');
}

/** The one place for each; and programs that only measure, where a test would not want a clock of its own. */
const mayKnowTime = ['src/base/clock.ts', 'src/base/random.ts'];

test('time and chance are handed in', () => {
  const among = ofProduct.filter((file) => !mayKnowTime.includes(file));
  assert.deepEqual(linesWith(/\bDate\.now\(|\bnew Date\(\)|(?<!\.)\bset(Timeout|Interval)\(|\bMath\.random\(|\bperformance\.now\(|\btimers\/promises\b/, among), []);
});

test('files are named in kebab-case, after what they hold', () => {
  const badlyNamed = files.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|fixture|bench))?\.ts$/.test(basename(file))
    || /^(utils?|helpers?|common|misc)\b/.test(basename(file)));
  assert.deepEqual(badlyNamed, []);
});

test('nothing is left behind from writing', () => {
  const anywhere = [...texts].flatMap(([file, text]) => text.split('\n').flatMap((line, index) =>
    (/\b(TODO|FIXME|XXX|HACK)\b/.test(line) && !file.endsWith('tidy.test.ts') ? [`${file}:${index + 1}: ${line.trim()}`] : [])));
  assert.deepEqual(anywhere, []);
  assert.deepEqual(linesWith(/^\s*debugger;|\b(test|it|describe|suite)\.only\(|\bonly: true\b/, files), []);
  assert.deepEqual(linesWith(/\bconsole\.\w+\(/, ofProduct), []);
});

test('types are not switched off', () => {
  assert.deepEqual(linesWith(/(:|<|\bas) any\b|\bany\[\]/, files), []);
  const unexplained = [...texts].flatMap(([file, text]) => text.split('\n').flatMap((line, index) =>
    (/@ts-(ignore|expect-error|nocheck)|(ox|es)lint-disable/.test(line) && !/ -- \S/.test(line) && !file.endsWith('tidy.test.ts') ? [`${file}:${index + 1}`] : [])));
  assert.deepEqual(unexplained, [], 'say why after " -- "');
});

/** A file beyond this holds more than one idea; those that are there shall shrink, not grow. */
const mostLines = 600;

test('no file is too long to be read', (t) => {
  const sizes = ofProduct.map((file) => ({ file, lines: (texts.get(file) ?? '').split('\n').length })).sort((a, b) => b.lines - a.lines);
  t.diagnostic(`largest: ${sizes.slice(0, 5).map(({ file, lines }) => `${file} ${lines}`).join(', ')}`);
  assert.deepEqual(sizes.filter(({ lines }) => lines > mostLines), []);
});

test('every folder of the source says in a README what it is', () => {
  const folders = new Set(ofProduct.map((file) => file.split('/').slice(0, 2).join('/')).filter((path) => !path.endsWith('.ts')));
  assert.deepEqual([...folders].filter((folder) => !existsSync(join(root, folder, 'README.md'))), []);
});

test('the lock file names every optional package and no registry', () => {
  interface Locked {
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly resolved?: string;
  }
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, Locked>> };
  const optional = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
  assert.deepEqual(optional.filter((name) => packages[`node_modules/${name}`] === undefined), [], 'npm ci refuses without the packages of other platforms too');
  assert.deepEqual(Object.entries(packages).flatMap(([path, { resolved }]) => (resolved === undefined ? [] : [path])), [], 'npm is to use the registry of the machine');
});

test('every file that a page names exists', () => {
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: root })];
  const dead = pages.flatMap((page) => {
    if (!existsSync(join(root, page))) return [`${page} itself`];
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/`((?:src|test|tools|examples|docs)\/[\w./-]+)`/g)].flatMap(([, path = '']) => (existsSync(join(root, path)) ? [] : [`${page} names ${path}`]));
  });
  assert.deepEqual(dead, []);
});
