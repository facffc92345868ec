/**
 * The OpenAPI documents are those of Kubernetes v1.36, word for word, but for what `openapi-differences.md` lists. The
 * list is written by this test when UPDATE_DIFFERENCES is set; otherwise it must be right.
 *
 * Compared is what belongs to the group versions that are served (the reference has all APIs switched on) and what its
 * paths refer to. References to shared parameters are followed: their names hold a hash of their descriptions.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { TokenRequest } from '#api/authentication/token-request.ts';
import { Scale } from '#api/autoscaling/scale.ts';
import { kinds } from '#api/kinds.ts';
import { Eviction } from '#api/policy/eviction.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { basePath } from '#apimachinery/openapi-paths.ts';
import { inOneGo, openApiV2, openApiV3, openApiV3Index } from '#apimachinery/openapi.ts';
import { withDescriptions } from '#apiserver/documents/descriptions.ts';
import { shortHash } from '#apiserver/documents/openapi-answer.ts';
import { parameterWording } from '#apiserver/documents/parameter-wording.ts';
import { descriptionsVersion } from '#apiserver/documents/text-packages.ts';

const folder = new URL('../../shared/spec/openapi/', import.meta.url);
const listFile = new URL('openapi-differences.md', import.meta.url);
const skip = existsSync(folder) ? (descriptionsVersion().split(' ').length < 4 ? 'no descriptions: the packages of `text-packages.ts` are not installed' : false) : 'no reference data: ../shared/spec/openapi is absent';
const settings = { parts: [Scale, Eviction, TokenRequest], wording: await parameterWording() };

function read(name: string): JsonObject {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as JsonObject;
}

async function version3(key: string): Promise<JsonObject> {
  const steps = openApiV3(kinds, key, settings);
  assert.ok(steps !== undefined, key);
  return plain(await withDescriptions(inOneGo(steps)));
}

function plain(document: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(document)) as JsonObject;
}

class Comparison {
  readonly lines = new Set<string>();

  compare(ours: unknown, theirs: unknown, path: string): void {
    if (Array.isArray(ours) && Array.isArray(theirs)) {
      // A set by its meaning.
      const [left, right] = path.endsWith('/required') ? [ours.toSorted(byText), theirs.toSorted(byText)] : [ours, theirs];
      if (left.length !== right.length) this.#note(`${path}: ${short(left)} instead of ${short(right)}`);
      else for (const [index, item] of left.entries()) this.compare(item, right[index], `${path}/${index}`);
    } else if (isJsonObject(ours) && isJsonObject(theirs)) {
      for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
        const below = `${path}/${key}`;
        if (!(key in theirs)) this.#note(`${below}: not in Kubernetes: ${short(ours[key])}`);
        else if (!(key in ours)) this.#note(`${below}: missing: ${short(theirs[key])}`);
        else this.compare(ours[key], theirs[key], below);
      }
    } else if (ours !== theirs) this.#note(`${path}: ${short(ours)} instead of ${short(theirs)}`);
  }

  #note(found: string): void {
    // What is wrong with a schema is wrong in all documents that have it.
    this.lines.add(found.replace(/^v3 \S+ (?=\/components\/)/, 'v3 '));
  }
}

function byText(left: unknown, right: unknown): number {
  return String(left) < String(right) ? -1 : 1;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** With shared parameters where they are used. */
function withParameters(document: JsonObject): JsonObject {
  const shared = document['parameters'] as JsonObject;
  const followed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(followed);
    if (!isJsonObject(value)) return value;
    const { $ref } = value;
    if (typeof $ref === 'string' && $ref.startsWith('#/parameters/')) return shared[$ref.slice('#/parameters/'.length)] ?? value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, followed(each)]));
  };
  return { ...document, paths: followed(document['paths']) as JsonObject };
}

const served = [...new Set(kinds.map((kind) => kind.apiVersion))].sort();
const groups = new Set(kinds.map((kind) => kind.group));

/** Whether a path of the reference is of something that is served, or of no group at all. */
function isServed(path: string): boolean {
  const [, api, group = '', version = ''] = path.split('/');
  if (api === 'api') return true;
  if (api !== 'apis' || group === '') return true;
  return groups.has(group) && (version === '' || served.includes(`${group}/${version}`));
}

/** The definitions that `paths` lead to. */
function reachable(document: JsonObject, paths: JsonObject): JsonObject {
  const all = document['definitions'] as JsonObject;
  const found = new Map<string, unknown>();
  const open: unknown[] = [paths];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.set(name, all[name]);
      open.push(all[name]);
    }
  }
  return Object.fromEntries(found) as JsonObject;
}

async function compareAll(): Promise<Comparison> {
  const comparison = new Comparison();
  const keys = Object.keys(openApiV3Index(kinds, () => 'hash')['paths'] as JsonObject);
  for (const key of keys) {
    const name = `${key.replaceAll('/', '__')}_openapi.json`;
    // Of one document there is no copy: a name that begins with a dot.
    if (!existsSync(new URL(name, folder))) assert.equal(key, '.well-known/openid-configuration');
    else comparison.compare(await version3(key), read(name), `v3 ${key} `);
  }
  const reference = withParameters(read('swagger-v2.json'));
  const paths = Object.fromEntries(Object.entries(reference['paths'] as JsonObject).filter(([path]) => isServed(path)));
  const ours = withParameters(plain(await withDescriptions(inOneGo(openApiV2(kinds, shortHash, settings)))));
  const [{ parameters: _ours, ...left }, { parameters: _theirs, ...right }] = [ours, reference];
  comparison.compare(left, { ...right, paths, definitions: reachable(reference, paths) }, 'v2 ');
  return comparison;
}

test('the documents of both versions are those of Kubernetes but for the listed differences', { skip }, async () => {
  const lines = [...(await compareAll()).lines].sort();
  const found = lines.length === 0 ? 'Nowhere: they are equal, word for word.\n' : lines.map((line) => `- ${line}\n`).join('');
  const text = `# Where our OpenAPI documents differ from Kubernetes v1.36\n\nWritten by \`openapi.test.ts\` when UPDATE_DIFFERENCES is set.\n\n${found}`;
  if (process.env['UPDATE_DIFFERENCES'] !== undefined) writeFileSync(listFile, text);
  assert.equal(text, readFileSync(listFile, 'utf8'));
});

test('parameters that many operations have stand once in the document of version 2', () => {
  const { parameters, paths } = plain(inOneGo(openApiV2(kinds, shortHash, settings))) as { readonly parameters: JsonObject; readonly paths: JsonObject };
  assert.ok(Object.keys(parameters).every((name) => /-[\w-]{8}$/.test(name)));
  const used = new Set([...JSON.stringify(paths).matchAll(/"#\/parameters\/([^"]+)"/g)].map(([, name]) => name));
  assert.deepEqual(used, new Set(Object.keys(parameters)));
});

test('the index names every document, under an address that changes with the kinds', () => {
  const hash = (origin: unknown): string => String(JSON.stringify(origin).length);
  const paths = openApiV3Index(kinds, hash)['paths'] as Readonly<Record<string, { readonly serverRelativeURL: string }>>;
  assert.match(paths['apis/apps/v1']?.serverRelativeURL ?? '', /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9]+$/);
  for (const path of Object.keys(paths)) assert.notEqual(openApiV3(kinds, path, settings), undefined, path);
  const fewer = openApiV3Index(kinds.filter((kind) => kind.kind !== 'Deployment'), hash)['paths'] as typeof paths;
  assert.notEqual(fewer['apis/apps/v1']?.serverRelativeURL, paths['apis/apps/v1']?.serverRelativeURL);
  assert.equal(openApiV3(kinds, 'apis/none/v1'), undefined);
  assert.ok(served.every((apiVersion) => basePath(apiVersion).slice(1) in paths));
});
