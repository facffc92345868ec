import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAtomically } from './atomic-writer.ts';

const file = (path: string, content: string, mode = 0o644) => ({ path, content: Buffer.from(content), mode });

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-volume-'));
  try {
    await run(join(directory, 'volume'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('names lead through ..data to the files, with their modes', () =>
  withDirectory(async (directory) => {
    assert.ok(await writeAtomically(directory, [file('a', '1'), file('sub/b', '2', 0o400)], { version: 'v1' }));
    assert.equal(await readlink(join(directory, 'a')), '..data/a');
    assert.equal(await readlink(join(directory, 'sub')), '..data/sub');
    assert.equal(String(await readFile(join(directory, 'sub/b'))), '2');
    assert.equal((await stat(join(directory, 'sub/b'))).mode & 0o777, 0o400);
  }));

test('an update shows at once, and what has gone is gone', () =>
  withDirectory(async (directory) => {
    await writeAtomically(directory, [file('a', '1'), file('b', '2')], { version: 'v1' });
    assert.ok(await writeAtomically(directory, [file('a', 'changed')], { version: 'v2' }));
    assert.deepEqual((await readdir(directory)).filter((name) => !name.startsWith('..')), ['a']);
    assert.equal(String(await readFile(join(directory, 'a'))), 'changed');
    assert.equal((await readdir(directory)).filter((name) => name.startsWith('..v')).length, 1, 'the old files are removed');
  }));

test('what is the same is not written again', () =>
  withDirectory(async (directory) => {
    await writeAtomically(directory, [file('a', '1')], { version: 'v1' });
    const before = await readlink(join(directory, '..data'));
    assert.equal(await writeAtomically(directory, [file('a', '1')], { version: 'v2' }), false);
    assert.equal(await readlink(join(directory, '..data')), before);
  }));
