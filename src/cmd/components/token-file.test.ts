import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenFile } from './token-file.ts';

test('a token file names users, with groups in quotes', () => {
  const users = parseTokenFile('secret,alice,1,"dev, ops"\nother,bob,2\n\n');
  assert.deepEqual(users.get('secret'), { name: 'alice', uid: '1', groups: ['dev', 'ops', 'system:authenticated'] });
  assert.deepEqual(users.get('other'), { name: 'bob', uid: '2', groups: ['system:authenticated'] });
  assert.equal(users.size, 2);
});

test('a line without a uid is refused by its number', () => {
  assert.throws(() => parseTokenFile('a,b,c\nsecret,alice\n'), /line 2 .* fewer than three columns/);
});
