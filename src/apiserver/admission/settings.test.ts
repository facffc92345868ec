import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pluginMakers } from './plugins.ts';
import { checkPluginNames, chosenPlugins, defaultPlugins, pluginNames } from './settings.ts';

test('every plugin that can be chosen can be made, and none else', () => {
  assert.deepEqual(Object.keys(pluginMakers).sort(), [...pluginNames].sort());
});

test('the order is the list\'s, whatever the order of the flags', () => {
  assert.deepEqual(chosenPlugins({ only: ['ResourceQuota', 'NamespaceLifecycle', 'AlwaysPullImages'] }), ['NamespaceLifecycle', 'AlwaysPullImages', 'ResourceQuota']);
  assert.deepEqual(chosenPlugins({}), defaultPlugins);
  const chosen = chosenPlugins({ enabled: ['AlwaysPullImages', 'LimitRanger'], disabled: ['ServiceAccount'] });
  assert.ok(chosen.includes('AlwaysPullImages') && !chosen.includes('ServiceAccount') && chosen.filter((name) => name === 'LimitRanger').length === 1);
});

test('names are checked with the original\'s words', () => {
  assert.throws(() => checkPluginNames({ enabled: ['X'] }), /^AdmissionSettingsError: enable-admission-plugins plugin "X" is unknown$/);
  assert.throws(() => checkPluginNames({ only: [], enabled: ['AlwaysAdmit'] }), /mutually exclusive/);
  assert.throws(() => checkPluginNames({ enabled: ['JobValidation'] }), /"JobValidation" is not built/);
  checkPluginNames({ disabled: ['NodeDeclaredFeatureValidator', 'JobValidation'] });
});
