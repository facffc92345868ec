import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..');

/** Every file of the source that is loaded with `file`, by its imports of values. */
function loadedWith(file: string): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [file];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const [, target = ''] of readFileSync(next, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm)) {
      if (target.startsWith('#')) waiting.push(join(source, target.slice(1)));
      else if (target.startsWith('.')) waiting.push(join(dirname(next), target));
    }
  }
  return new Set([...found].map((each) => relative(source, each)));
}

test('a default start loads nothing of what only flags ask for', () => {
  const loaded = [...loadedWith(join(import.meta.dirname, 'api-server.ts'))];
  assert.ok(loaded.includes('apiserver/authn/authenticate.ts') && loaded.length > 100, 'the imports are found');
  const unasked = /^apiserver\/(?:audit\/|encryption\/|authn\/(?:jwt\/|token-webhook|bootstrap-tokens)|authz\/(?:webhook-authorizer|abac|authorization-config|changing-authorizers)|admission\/(?:configuration|limited-resources)|webhooks\/(?:kubeconfig-webhook|webhook-identity)|features\/known-gates|request\/cors|documents\/openapi-answer)|^serving\/(?:serve-files|z-pages|profiles|pprof-format)\./;
  assert.deepEqual(loaded.filter((file) => unasked.test(file)), []);
  const offByDefault = ['always', 'always-pull-images', 'deny-service-external-ips', 'event-rate-limit', 'extended-resource-toleration', 'image-policy', 'namespace-auto-provision', 'namespace-exists', 'owner-references-permission', 'pod-anti-affinity', 'pod-node-selector', 'pod-toleration-restriction'];
  assert.deepEqual(loaded.filter((file) => offByDefault.some((name) => file === `apiserver/admission/plugins/${name}.ts`)), []);
});

test('a default start loads no library that most servers never need', () => {
  const loaded = [...loadedWith(join(import.meta.dirname, 'api-server.ts'))];
  const libraries = loaded.flatMap((file) => [...readFileSync(join(source, file), 'utf8').matchAll(/^import (?!type )[^;]*?from '(?![#.]|node:)([^']+)';/gm)].map(([, name]) => name));
  assert.deepEqual([...new Set(libraries)], ['ipaddr.js']);
});
