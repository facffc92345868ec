import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conformanceReport } from './conformance-report.ts';

test('a report counts by group and names what no test has shown', () => {
  const all = ['[sig-node] b', '[sig-apps] a', '[sig-node] c'];
  assert.deepEqual(conformanceReport(new Set(['[sig-node] c', 'another test']), all), [
    'sig-apps  0 of 1', 'sig-node  1 of 2', '1 of 3 conformance requirements are shown by a passing test', 'not shown: [sig-apps] a', 'not shown: [sig-node] b',
  ]);
});

test('without the list, what passed is all there is', () => {
  assert.deepEqual(conformanceReport(new Set(['[sig-node] c', 'another test'])), ['sig-node  1 of 1', '1 of 1 conformance requirements are shown by a passing test']);
});
