/** The import rules of docs/architecture.md: downward only, no folder from a folder of its own layer, no cycles. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const source = import.meta.dirname;

/** Folders by layer. Folders of one layer never import each other. */
const layers: readonly (readonly string[])[] = [
  ['base'],
  ['wire', 'pki', 'cel', 'apimachinery'],
  ['api'],
  ['store', 'client'],
  ['reconcile', 'serving'],
  ['apiserver', 'scheduler', 'controllers', 'cloud', 'kubelet', 'proxy', 'network', 'dns', 'kubectl', 'dashboard'],
  ['cluster', 'testing'],
  ['bench'],
  ['cmd'],
];

/** What stricter rules than the order of the layers allow. */
const mayImportOnly: Readonly<Record<string, readonly string[]>> = {
  api: ['apimachinery', 'base'],
  store: ['wire', 'base'],
  client: ['api', 'apimachinery', 'wire', 'pki', 'cel', 'base'],
};

/** Run in the browser too. */
const withoutNode = ['base', 'apimachinery', 'api'];

/** `testing` puts its clusters together with what `cluster` has. */
const sameLayer: readonly string[] = ['testing -> cluster'];

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

const files = globSync('**/*.ts', { cwd: source }).sort();
const imports = files.flatMap((file) => importsOf(file));

test('imports go downward only', () => {
  const breaches = imports.flatMap((each) => {
    const from = folderOf(each.from);
    const to = each.specifier.startsWith('#') ? folderOf(each.specifier.slice(1)) : undefined;
    return to === undefined || isTestOnly(each.from) || mayImport(from, to) ? [] : [`${each.from} imports ${each.specifier}`];
  });
  assert.deepEqual(breaches, []);
});

test('every folder has a layer', () => {
  const folders = new Set(files.filter((file) => file.includes('/')).map(folderOf));
  assert.deepEqual([...folders].filter((folder) => layerOf(folder) < 0), []);
});

test('a folder is left by # imports only', () => {
  const breaches = imports.flatMap(({ from, specifier }) => {
    if (!from.includes('/') || !specifier.startsWith('.')) return [];
    return folderOf(join(dirname(from), specifier)) === folderOf(from) ? [] : [`${from} imports ${specifier}`];
  });
  assert.deepEqual(breaches, []);
});

test('what runs in the browser uses no module of Node', () => {
  const breaches = imports.filter(({ from, specifier }) =>
    withoutNode.includes(folderOf(from)) && !isTestOnly(from) && (specifier.startsWith('node:') || builtinModules.includes(specifier)));
  assert.deepEqual(breaches, []);
});

test('no file imports itself over others', () => {
  const edges = new Map<string, string[]>();
  for (const { from, specifier, isTypeOnly } of imports) {
    // Types are gone when the program runs.
    if (isTypeOnly) continue;
    const to = targetOf(from, specifier);
    if (to !== undefined) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  assert.deepEqual(cyclesIn(edges), []);
});

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const found: Import[] = [];
  for (const [, kind, clause = '', specifier = ''] of text.matchAll(/^(import|export)\s+(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm)) {
    if (kind === 'export' && clause === '') continue;
    found.push({ from: file, specifier, isTypeOnly: clause.startsWith('type ') });
  }
  // Dynamic imports are for lateness, not for getting around the rules; a cycle through one is none.
  for (const [, specifier = ''] of text.matchAll(/\bimport\('([^']+)'\)/g)) found.push({ from: file, specifier, isTypeOnly: true });
  return found;
}

function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? join(dirname(from), specifier) : undefined;
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function layerOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder));
}

/** Tests may set up what is below and beside; what they test may not. */
function isTestOnly(file: string): boolean {
  return !file.includes('/') || /\.(test|contract|fixture)\.ts$/.test(file) || file.endsWith('/test-cluster.ts');
}

function mayImport(from: string, to: string): boolean {
  if (from === to || sameLayer.includes(`${from} -> ${to}`)) return true;
  const only = mayImportOnly[from];
  if (only !== undefined) return only.includes(to);
  if (to === 'store') return ['apiserver', 'cluster', 'testing', 'bench', 'cmd'].includes(from);
  return layerOf(to) < layerOf(from);
}

/** Each cycle once, as the files on it. */
function cyclesIn(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}
