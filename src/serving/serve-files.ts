/**
 * Files below a directory of this machine, to look at with a browser: listings, content types, ranges.
 *
 * Source: behaviour of Go's http.ServeFile, by which kube-apiserver serves `/logs/`; RFC 9110 (ranges, conditions).
 */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ServerRequest, ServerResponse } from './exchange.ts';

/**
 * Answers a GET for what lies `below` the directory `root`; `below` is a path as it came, percent-encoded. A path with `..` is
 * refused, and so is whatever lies outside of the root though a link below leads there. Never rejects.
 */
export async function serveFiles({ root, below }: { readonly root: string; readonly below: string }, request: ServerRequest, response: ServerResponse): Promise<void> {
  const relative = decoded(below);
  if (relative === undefined || relative.split('/').includes('..')) return refuse(response, 400, 'invalid URL path');
  let file: FileHandle | undefined;
  try {
    // A pipe that nobody writes to would let us wait.
    file = await open(path.join(root, relative), constants.O_RDONLY | constants.O_NONBLOCK);
    // Of what is open already: a link that is changed meanwhile leads nowhere else.
    const place = await realpath(`/proc/self/fd/${file.fd}`);
    const top = await realpath(root);
    if (place !== top && !place.startsWith(`${top}/`)) return refuse(response, 404, '404 page not found');
    const stats = await file.stat();
    if (stats.isDirectory()) await sendListing(place, stats, request, response);
    else if (stats.isFile()) await sendFile(file, place, stats, request, response);
    else refuse(response, 404, '404 page not found');
  } catch (error) {
    if (response.isHeadSent) return response.abort();
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EACCES' || code === 'EPERM') refuse(response, 403, '403 Forbidden');
    else if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP' || code === 'ENXIO') refuse(response, 404, '404 page not found');
    else refuse(response, 500, '500 Internal Server Error');
  } finally {
    await file?.close();
  }
}

function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    return plain.includes('\0') ? undefined : plain;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(Buffer.from(`${text}\n`));
}

async function sendListing(directory: string, stats: Stats, request: ServerRequest, response: ServerResponse): Promise<void> {
  // Links in the listing are relative to the directory.
  if (!request.path.endsWith('/')) {
    response.writeHead(301, { location: `${path.posix.basename(request.path)}/${request.query === '' ? '' : `?${request.query}`}` });
    return response.end();
  }
  if (isUnchanged(request, stats)) return notModified(response, stats);
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).sort((a, b) => (a < b ? -1 : 1));
  const lines = names.map((name) => `<a href="${html(reference(name))}">${html(name)}</a>\n`);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'last-modified': stats.mtime.toUTCString() });
  response.end(Buffer.from(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${lines.join('')}</pre>\n`));
}

/** A colon in the first part would make a scheme of what stands before it. */
function reference(name: string): string {
  const encoded = name.split('/').map((part) => encodeURIComponent(part).replaceAll('%3A', ':')).join('/');
  return encoded.includes(':') ? `./${encoded}` : encoded;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

function html(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

async function sendFile(file: FileHandle, place: string, stats: Stats, request: ServerRequest, response: ServerResponse): Promise<void> {
  if (isUnchanged(request, stats)) return notModified(response, stats);
  const { size } = stats;
  const common = { 'content-type': await contentType(file, place), 'last-modified': stats.mtime.toUTCString(), 'accept-ranges': 'bytes' };
  const range = rangeOf(request, stats);
  if (range === 'none') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-type': 'text/plain; charset=utf-8' });
    return response.end(Buffer.from('invalid range: failed to overlap\n'));
  }
  const { start, end } = range ?? { start: 0, end: size };
  response.writeHead(range === undefined ? 200 : 206, { ...common, 'content-length': end - start, ...(range !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${size}` }) });
  // What is added while it is sent is not part of the answer.
  if (end > start) for await (const piece of file.createReadStream({ start, end: end - 1, autoClose: false })) {
    const waits = response.write(piece as Buffer);
    if (waits !== undefined) await waits;
    if (response.isOver) return;
  }
  // A file that has become shorter: the client is not to take it for whole.
  if (response.bodyBytes < end - start) return response.abort();
  response.end();
}

/** From `start` to before `end`; undefined: the whole, 'none': nothing of it is there. Several ranges count as the whole. */
function rangeOf({ headers }: ServerRequest, { size, mtime }: Stats): { readonly start: number; readonly end: number } | 'none' | undefined {
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== mtime.toUTCString()) return undefined;
  const [whole, first = '', last = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(typeof headers['range'] === 'string' ? headers['range'] : '') ?? [];
  if (whole === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : 'none';
}

/** Dates in headers have seconds. */
function isUnchanged({ headers }: ServerRequest, { mtimeMs }: Stats): boolean {
  const since = Date.parse(typeof headers['if-modified-since'] === 'string' ? headers['if-modified-since'] : '');
  return !Number.isNaN(since) && Math.floor(mtimeMs / 1000) * 1000 <= since;
}

function notModified(response: ServerResponse, { mtime }: Stats): void {
  response.writeHead(304, { 'last-modified': mtime.toUTCString() });
  response.end();
}

const byExtension: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8', '.gif': 'image/gif', '.htm': 'text/html; charset=utf-8', '.html': 'text/html; charset=utf-8', '.jpg': 'image/jpeg', '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json', '.pdf': 'application/pdf', '.png': 'image/png', '.svg': 'image/svg+xml', '.xml': 'text/xml; charset=utf-8',
};
/** As much as is looked at to tell text from other things. */
const sniffedBytes = 512;

async function contentType(file: FileHandle, place: string): Promise<string> {
  const known = byExtension[path.extname(place).toLowerCase()];
  if (known !== undefined) return known;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sniffedBytes), 0, sniffedBytes, 0);
  const start = buffer.subarray(0, bytesRead);
  if (start[0] === 0x1f && start[1] === 0x8b && start[2] === 0x08) return 'application/x-gzip';
  // Source: WHATWG MIME Sniffing Standard, "binary data byte".
  const isBinary = start.some((byte) => byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f));
  return isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
