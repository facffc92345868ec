import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { systemClock } from '#base/clock.ts';
import type { HttpServer } from './http-server.ts';
import { createPlainServer } from './plain-server.ts';
import { serveFiles } from './serve-files.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const folder = mkdtempSync(join(tmpdir(), 'skiff-files-'));
const root = join(folder, 'log');
const changed = new Date('2026-01-02T03:04:05Z');
let server: HttpServer;
let port = 0;

before(async () => {
  mkdirSync(join(root, 'pods'), { recursive: true });
  writeFileSync(join(root, 'sys.log'), '0123456789');
  writeFileSync(join(root, 'a<b>: c.log'), 'odd');
  writeFileSync(join(root, 'empty.log'), '');
  writeFileSync(join(root, 'old.gz'), gzipSync('old'));
  writeFileSync(join(root, 'binary'), Buffer.from([1, 2, 0]));
  writeFileSync(join(folder, 'secret'), 'not for you');
  symlinkSync('../../log/sys.log', join(root, 'pods', 'inside'));
  symlinkSync('../../secret', join(root, 'pods', 'outside'));
  symlinkSync('inner', join(root, 'inner'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  utimesSync(join(root, 'sys.log'), changed, changed);
  server = createPlainServer({ clock: systemClock, handler: (asked, response) => serveFiles({ root, below: asked.path.slice('/logs'.length) }, asked, response) });
  ({ port } = await server.listen({ host: '127.0.0.1', port: 0 }));
});

after(async () => {
  await server.close({ drainMs: 0 });
  rmSync(folder, { recursive: true });
});

/** As the path is written: `fetch` would take dots away. */
async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    }).on('error', reject).end();
  });
}

test('a directory is a page of links that lead where they say', async () => {
  const { status, headers, text } = await get('/logs/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.match(text, /^<a href="pods\/">pods\/<\/a>$/m);
  assert.match(text, /^<a href=".\/a%3Cb%3E:%20c.log">a&lt;b&gt;: c.log<\/a>$/m);
  assert.equal((await get('/logs/./a%3Cb%3E:%20c.log')).text, 'odd');
  const redirect = await get('/logs/pods?x=1');
  assert.deepEqual([redirect.status, redirect.headers.location], [301, 'pods/?x=1']);
});

test('a file is sent with its length, its type and its time', async () => {
  const { status, headers, text } = await get('/logs/sys.log');
  assert.deepEqual([status, text, headers['content-length'], headers['content-type'], headers['last-modified']], [200, '0123456789', '10', 'text/plain; charset=utf-8', 'Fri, 02 Jan 2026 03:04:05 GMT']);
  assert.equal((await get('/logs/old.gz')).headers['content-type'], 'application/x-gzip');
  assert.equal((await get('/logs/binary')).headers['content-type'], 'application/octet-stream');
  assert.deepEqual([(await get('/logs/empty.log')).status, (await get('/logs/empty.log')).text], [200, '']);
  assert.equal((await get('/logs/sys.log', { 'if-modified-since': changed.toUTCString() })).status, 304);
});

test('ranges of a file are sent', async () => {
  const part = async (range: string, more: Readonly<Record<string, string>> = {}): Promise<unknown[]> => {
    const { status, headers, text } = await get('/logs/sys.log', { range, ...more });
    return [status, headers['content-range'], text];
  };
  assert.deepEqual(await part('bytes=2-4'), [206, 'bytes 2-4/10', '234']);
  assert.deepEqual(await part('bytes=7-'), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await part('bytes=-3'), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await part('bytes=4-99'), [206, 'bytes 4-9/10', '456789']);
  assert.deepEqual((await part('bytes=10-')).slice(0, 2), [416, 'bytes */10']);
  assert.deepEqual(await part('bytes=2-4', { 'if-range': 'Fri, 02 Jan 2026 03:04:06 GMT' }), [200, undefined, '0123456789']);
  assert.deepEqual((await part('lines=1-2'))[0], 200);
});

test('nothing outside of the directory is shown, by no spelling and no link', async () => {
  for (const path of ['/logs/../secret', '/logs/%2e%2e/secret', '/logs/pods/..%2f..%2f..%2fsecret', '/logs/%00']) assert.equal((await get(path)).status, 400, path);
  assert.equal((await get('/logs/pods/outside')).status, 404);
  assert.equal((await get('/logs/pods/inside')).text, '0123456789');
});

test('what is no file is not there', async () => {
  for (const path of ['/logs/none', '/logs/sys.log/none', '/logs/inner', '/logs/pipe', `/logs/${'x'.repeat(300)}`]) assert.equal((await get(path)).status, 404, path);
});
