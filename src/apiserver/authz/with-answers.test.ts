import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, Authorizer } from './authorizer.ts';
import { decide } from './authorizer.ts';
import { withAnswers } from './with-answers.ts';

const about = (name: string): Attributes => ({ user: { name: 'anna', groups: [] }, verb: 'get', isResource: true, path: '', group: '', version: '', resource: 'pods', subresource: '', namespace: '', name });

test('what cannot wait is done again when the answers are there, each asked for once', async () => {
  const asked: string[] = [];
  const elsewhere: Authorizer = {
    name: 'elsewhere',
    authorize: () => ({ verdict: 'no-opinion', reason: '' }),
    ask(attributes) {
      asked.push(attributes.name);
      return Promise.resolve({ verdict: attributes.name === 'b' ? 'deny' : 'allow', reason: attributes.name });
    },
  };
  const work = (authorizers: readonly Authorizer[]): readonly string[] => {
    const first = decide(authorizers, about('a')).verdict;
    return [first, first === 'allow' ? decide(authorizers, about('b')).verdict : 'not asked'];
  };
  assert.deepEqual(await withAnswers([elsewhere], work), ['allow', 'deny']);
  assert.deepEqual(asked, ['a', 'b']);
});

test('without anybody to ask it is done once, at once', () => {
  const local: Authorizer = { name: 'local', authorize: () => ({ verdict: 'allow', reason: '' }) };
  assert.equal(withAnswers([local], (authorizers) => decide(authorizers, about('a')).verdict), 'allow');
});

test('what it throws in the end is thrown', async () => {
  const elsewhere: Authorizer = { name: 'elsewhere', authorize: () => ({ verdict: 'no-opinion', reason: '' }), ask: () => Promise.resolve({ verdict: 'allow', reason: '' }) };
  await assert.rejects(async () => withAnswers([elsewhere], (authorizers) => {
    if (decide(authorizers, about('a')).verdict === 'allow') throw new Error('allowed');
  }), /allowed/);
});
