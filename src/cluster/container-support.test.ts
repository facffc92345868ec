import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoRules } from './container-support.ts';
import { runProgram } from './set-up/run-program.ts';

const version = 'nftables v1.0.6 (Lester Gooch #5)\n';

test('what nft says about the kernel is handed on', () => {
  assert.equal(whyNoRules({ code: 1, output: 'Operation not permitted (you must be root)\nmore\n' }, version), 'the kernel takes no nftables rules (Operation not permitted (you must be root))');
});

test('of an nft that crashed, the signal, the version and a way on are told', async () => {
  const crashed = await runProgram('sh', ['-c', 'kill -SEGV $$']);
  assert.equal(whyNoRules(crashed, version), 'nft v1.0.6 was killed by SIGSEGV without a word when it was to list the kernel\'s tables; try "nft list tables", and another version of the package nftables');
});

test('of an nft that fails without a word, the code is told', () => {
  assert.match(whyNoRules({ code: 3, output: '\n' }, ''), /^nft of unknown version ended with code 3 without a word/);
});
