import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { LogQuery } from './log-query.ts';
import { readLog } from './read-log.ts';

async function withLog(content: string, run: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-log-'));
  try {
    await writeFile(join(directory, '0.log'), content);
    await run(join(directory, '0.log'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function read(path: string, query: LogQuery, isRunning = () => Promise.resolve(false)): Promise<string> {
  let text = '';
  for await (const chunk of readLog(path, query, { clock: systemClock, signal: new AbortController().signal, isRunning })) text += Buffer.from(chunk).toString();
  return text;
}

const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string => `2026-01-01T10:00:${String(second).padStart(2, '0')}.123456789Z ${stream} ${tag} ${text}\n`;
const three = line(1, 'one') + line(2, 'two', 'stderr') + line(3, 'three');

test('lines come without their heads, with times when asked for', () =>
  withLog(three, async (path) => {
    assert.equal(await read(path, {}), 'one\ntwo\nthree\n');
    assert.equal(await read(path, { timestamps: true, tailLines: 1 }), '2026-01-01T10:00:03.123456789Z three\n');
  }));

test('a query chooses by time, by stream, from the end, and up to a size', () =>
  withLog(three, async (path) => {
    assert.equal(await read(path, { sinceMs: Date.UTC(2026, 0, 1, 10, 0, 2) }), 'two\nthree\n');
    assert.equal(await read(path, { stream: 'Stderr' }), 'two\n');
    assert.equal(await read(path, { tailLines: 2 }), 'two\nthree\n');
    assert.equal(await read(path, { tailLines: 0 }), '');
    assert.equal(await read(path, { tailLines: 99 }), 'one\ntwo\nthree\n');
    assert.equal(await read(path, { limitBytes: 6 }), 'one\ntw');
  }));

test('a long line that the runtime has cut comes whole', () =>
  withLog(line(1, 'be', 'stdout', 'P') + line(1, 'gin', 'stdout', 'P') + line(1, 'ning'), async (path) => {
    assert.equal(await read(path, {}), 'beginning\n');
  }));

test('the end of a large log is found without reading it all', () =>
  withLog(Array.from({ length: 20_000 }, (_, n) => line(n % 60, `line ${n}`)).join(''), async (path) => {
    assert.equal(await read(path, { tailLines: 2 }), 'line 19998\nline 19999\n');
  }));

test('a reader that follows sees what comes, over a rotation too, until the container ends', () =>
  withLog(line(1, 'one'), async (path) => {
    let looks = 0;
    const isRunning = async (): Promise<boolean> => {
      looks++;
      if (looks === 2) await appendFile(path, line(2, 'two'));
      if (looks === 4) {
        await rename(path, `${path}.1`);
        await writeFile(path, line(3, 'three'));
      }
      return looks < 7;
    };
    assert.equal(await read(path, { follow: true }, isRunning), 'one\ntwo\nthree\n');
  }));

test('a log that is not there is empty', () => withLog('', async (path) => assert.equal(await read(`${path}.none`, {}), '')));

test('a last line without an end is shown, with one time for all its parts', () =>
  withLog(line(1, 'one') + line(2, 'no ', 'stdout', 'P') + line(3, 'end', 'stdout', 'P'), async (path) => {
    assert.equal(await read(path, {}), 'one\nno end');
    assert.equal(await read(path, { timestamps: true, sinceMs: Date.UTC(2026, 0, 1, 10, 0, 2) }), '2026-01-01T10:00:02.123456789Z no end');
  }));
