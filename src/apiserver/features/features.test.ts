import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '#api/kinds.ts';
import { featureGates } from './feature-gates.ts';
import { knownGates } from './known-gates.ts';
import { servedKinds } from './runtime-config.ts';

test('every known gate is written in the notation', () => {
  for (const [name, text] of Object.entries(knownGates)) assert.match(text, /^[ABGD][01]L?[mn]?$/, name);
});

test('gates are as upstream has them until somebody sets them', () => {
  const gates = featureGates([]);
  assert.deepEqual(['JobManagedBy', 'HPAScaleToZero', 'PodTopologyLabelsAdmission', 'Nonsense'].map((name) => gates.isOn(name)), [true, false, true, false]);
  assert.equal(featureGates(['PodTopologyLabelsAdmission=false']).isOn('PodTopologyLabelsAdmission'), false);
  // What is somebody else's to switch is taken as it is.
  assert.equal(featureGates(['KubeletSeparateDiskGC=false', 'SELinuxMount=true']).isOn('SELinuxMount'), true);
  assert.equal(featureGates(['HPAScaleToZero=false', 'AllAlpha=false', 'JobManagedBy=true']).isOn('HPAScaleToZero'), false);
});

test('what is on upstream and not built here is off, and may be set to that', () => {
  assert.equal(featureGates(['APIServerIdentity=false']).isOn('APIServerIdentity'), false);
  assert.match(featureGates([]).metricsText(), /kubernetes_feature_enabled\{name="APIServerIdentity",stage="BETA"\} 0/);
  assert.throws(() => featureGates(['APIServerIdentity=true']), /not built$/);
});

test('what cannot be is an error', () => {
  for (const [setting, text] of [
    ['Nonsense=true', /unrecognized feature gate: Nonsense/], ['JobManagedBy=false', /locked to true$/], ['HPAScaleToZero=true', /not built$/], ['OpenAPIEnums=false', /always on here$/],
    ['AllAlpha=true', /AllAlpha to true: \w+, for one, is not built/], ['X', /missing bool value for X/], ['HPAScaleToZero=x', /invalid value of HPAScaleToZero=x/],
  ] as const) assert.throws(() => featureGates([setting]), text, setting);
});

test('the narrower setting counts for a kind', () => {
  const serves = (settings: readonly string[], group: string, version: string, plural: string): boolean => servedKinds(settings, kinds)({ group, version, plural });
  assert.equal(serves([], 'apps', 'v1', 'deployments'), true);
  assert.equal(serves(['apps/v1=false'], 'apps', 'v1', 'deployments'), false);
  assert.equal(serves(['apps/v1=false', 'apps/v1/deployments=true'], 'apps', 'v1', 'deployments'), true);
  assert.equal(serves(['apps/v1=false', 'apps/v1/deployments=true'], 'apps', 'v1', 'replicasets'), false);
  assert.equal(serves(['api/all=false', 'api/v1=true'], '', 'v1', 'pods'), true);
  assert.equal(serves(['api/all=false', 'v1=true'], 'apps', 'v1', 'deployments'), false);
  assert.equal(serves(['api/ga=false'], 'batch', 'v1', 'jobs'), false);
  assert.equal(serves(['api/all=true', 'api/beta=true', 'api/alpha=true'], 'batch', 'v1', 'jobs'), true);
});

test('asking for an API that is not built is an error, switching it off is none', () => {
  assert.throws(() => servedKinds(['nonsense.k8s.io/v1=true'], kinds), /nonsense\.k8s\.io\/v1 is not built/);
  assert.throws(() => servedKinds(['apps/v1/nonsense=true'], kinds), /apps\/v1\/nonsense is not built/);
  assert.throws(() => servedKinds(['nonsense=false'], kinds), /unknown api groups nonsense/);
  assert.throws(() => servedKinds(['apps/v1=x'], kinds), /invalid value of apps\/v1/);
  servedKinds(['policy/v1beta1=false', 'resource.k8s.io/v1alpha3=false'], kinds);
});
