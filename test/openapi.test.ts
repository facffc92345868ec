/**
 * The OpenAPI documents are those of Kubernetes v1.36, but for descriptions and what `openapi-differences.md` lists. The
 * list is written by this test when UPDATE_DIFFERENCES is set; otherwise it must be right.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { TokenRequest } from '#api/authentication/token-request.ts';
import { Scale } from '#api/autoscaling/scale.ts';
import { kinds } from '#api/kinds.ts';
import { Eviction } from '#api/policy/eviction.ts';
import { basePath } from '#apimachinery/openapi-paths.ts';
import { openApiV2, openApiV3, openApiV3Index } from '#apimachinery/openapi.ts';

const folder = new URL('../../shared/spec/openapi/', import.meta.url);
const listFile = new URL('openapi-differences.md', import.meta.url);
const skip = existsSync(folder) ? false : 'no reference data: ../shared/spec/openapi is absent';
const parts = [Scale, Eviction, TokenRequest];

type Json = Readonly<Record<string, unknown>>;

function read(name: string): Json {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Json;
}

/** Paths into the documents at which they differ, with what stands there. */
function* differences(ours: unknown, theirs: unknown, path: string): Generator<string> {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const sorts = /\/(required|parameters|tags|produces|consumes)$/.test(path);
    const left = sorts ? ours.toSorted(byText) : ours;
    const right = sorts ? theirs.toSorted(byText) : theirs;
    if (left.length !== right.length) yield `${path}: ${short(left)} instead of ${short(right)}`;
    else for (const [index, item] of left.entries()) yield* differences(item, right[index], `${path}/${index}`);
  } else if (isMap(ours) && isMap(theirs)) {
    const inNames = /\/(properties|schemas|definitions)$/.test(path);
    const left = unwrapped(ours);
    const right = unwrapped(theirs);
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      if (key === 'description' && !inNames) continue;
      if (!(key in right)) yield `${path}/${key}: not in Kubernetes: ${short(left[key])}`;
      else if (!(key in left)) yield `${path}/${key}: missing: ${short(right[key])}`;
      else yield* differences(left[key], right[key], `${path}/${key}`);
    }
  } else if (ours !== theirs) yield `${path}: ${short(ours)} instead of ${short(theirs)}`;
}
function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function byText(a: unknown, b: unknown): number {
  return nameOf(a) < nameOf(b) ? -1 : 1;
}
function nameOf(item: unknown): string {
  return isMap(item) ? `${JSON.stringify(item['name'])} ${JSON.stringify(item['in'])}` : JSON.stringify(item);
}
/** Kubernetes wraps a reference only where a description stands beside it. */
function unwrapped(schema: Json): Json {
  const { allOf, ...others } = schema;
  return Array.isArray(allOf) && allOf.length === 1 && isMap(allOf[0]) ? { ...allOf[0], ...others } : schema;
}
function short(value: unknown): string {
  const text = JSON.stringify(value, (key: string, each: unknown) => (key === 'description' ? undefined : each)) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

function compareAll(): string[] {
  const found = new Set<string>();
  for (const apiVersion of [...new Set(kinds.map((kind) => kind.apiVersion))].sort()) {
    const path = basePath(apiVersion).slice(1);
    const reference = read(`${path.replaceAll('/', '__')}_openapi.json`);
    const ours = openApiV3(kinds, path, parts);
    for (const line of differences(ours, reference, '')) found.add(line.startsWith('/paths') ? `${apiVersion} ${line}` : line);
  }
  return [...found].sort();
}

test('the documents of version 3 are those of Kubernetes but for the listed differences', { skip }, () => {
  const found = compareAll();
  const text = `# Where our OpenAPI documents differ from Kubernetes v1.36\n\nDescriptions are left out of the comparison. Written by \`openapi.test.ts\` when UPDATE_DIFFERENCES is set.\n\n${found.map((line) => `- ${line}\n`).join('')}`;
  if (process.env['UPDATE_DIFFERENCES'] !== undefined) writeFileSync(listFile, text);
  assert.equal(text, readFileSync(listFile, 'utf8'));
});

test('the document of version 2 has the definitions and paths of Kubernetes for what is served', { skip }, () => {
  const reference = read('swagger-v2.json');
  const ours = openApiV2(kinds, parts);
  const theirPaths = reference['paths'] as Json;
  for (const path of Object.keys(ours['paths'] as Json)) assert.ok(path in theirPaths, path);
  const theirs = reference['definitions'] as Json;
  const missing = Object.keys(ours['definitions'] as Json).filter((name) => !(name in theirs));
  assert.deepEqual(missing, []);
});

test('the index names every document, under an address that changes with the kinds', () => {
  const hash = (origin: unknown): string => String(JSON.stringify(origin).length);
  const paths = openApiV3Index(kinds, hash)['paths'] as Readonly<Record<string, { readonly serverRelativeURL: string }>>;
  assert.match(paths['apis/apps/v1']?.serverRelativeURL ?? '', /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9]+$/);
  for (const path of Object.keys(paths)) assert.notEqual(openApiV3(kinds, path, parts), undefined, path);
  const fewer = openApiV3Index(kinds.filter((kind) => kind.kind !== 'Deployment'), hash)['paths'] as typeof paths;
  assert.notEqual(fewer['apis/apps/v1']?.serverRelativeURL, paths['apis/apps/v1']?.serverRelativeURL);
  assert.equal(openApiV3(kinds, 'apis/none/v1'), undefined);
});
