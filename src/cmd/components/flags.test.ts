import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentCommand, durationMs, list, pairs, portRange, switchOption } from './flags.ts';

test('durations are read as Go writes them', () => {
  assert.deepEqual(['300ms', '10s', '1m30s', '2h', '1.5s'].map(durationMs), [300, 10_000, 90_000, 7_200_000, 1500]);
  for (const text of ['', '10', 's', '10 s', '1d', '-1s']) assert.throws(() => durationMs(text), /A duration is written like/, text);
});

test('lists may be given at once or one by one', () => {
  assert.deepEqual(list('a, b,', undefined), ['a', 'b']);
  assert.deepEqual(list('c', ['a']), ['a', 'c']);
});

test('a port range includes both ends', () => {
  assert.deepEqual(portRange('30000-32767'), { from: 30_000, to: 32_768 });
  for (const text of ['30000', '2-1', '1-70000', 'a-b']) assert.throws(() => portRange(text), /A port range is written like/, text);
});

test('pairs need a key', () => {
  assert.deepEqual(pairs('a=1,b='), { a: '1', b: '' });
  assert.throws(() => pairs('=1'), /key=value/);
});

test('a switch is on, off, or left alone', () => {
  const leaderElect = (...args: readonly string[]): unknown => {
    const command = componentCommand('test').addOption(switchOption('--leader-elect', 'x', true)).exitOverride();
    return command.parse([...args], { from: 'user' }).opts()['leaderElect'];
  };
  assert.deepEqual([leaderElect(), leaderElect('--leader-elect'), leaderElect('--leader-elect=true'), leaderElect('--leader-elect=false')], [true, true, true, false]);
});
