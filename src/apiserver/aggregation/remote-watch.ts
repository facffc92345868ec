/** Watches of other API servers for components in this process, which speak no HTTP. */
import type { IncomingMessage } from 'node:http';
import { deepFreeze } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { StatusError, unavailable } from '#apimachinery/status-error.ts';
import { openKind } from '#client/open-kind.ts';
import type { ApiCall, WatchItem, WatchResult } from '../request/api-call.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';
import type { RemoteServer } from './remote-server.ts';

/** One event; a server that sends more without an end of line is no API server. */
const maxLineBytes = 16 * 1024 * 1024;

/** Resolves when the watch has begun. Throws the server's refusal. */
export async function watchRemote(server: RemoteServer, call: ApiCall, path: string): Promise<WatchResult> {
  const { info, user, signal } = call;
  const response = await server.open(path, { user, signal });
  if (response.statusCode !== 200) {
    const text = Buffer.concat(await response.toArray() as Buffer[]).toString();
    throw refusalIn(text) ?? unavailable(text.trim() || `the server answered ${response.statusCode ?? 0}`);
  }
  // Nobody looks into these objects here: what they are called is enough.
  const kind = openKind({ group: info.group, version: info.version, kind: info.resource, plural: info.resource, scope: info.namespace === '' ? 'Cluster' : 'Namespaced' });
  return { is: 'watch', kind, batches: batchesIn(response, (object) => new CachedObject(kind, '', Number(object.metadata.resourceVersion) || 0, noBytes, object)) };
}

const noBytes = new Uint8Array();

async function* batchesIn(response: IncomingMessage, cached: (object: KubeObject) => CachedObject): AsyncGenerator<readonly WatchItem[]> {
  let rest = '';
  try {
    for await (const piece of response.setEncoding('utf8')) {
      const lines = (rest + String(piece)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > maxLineBytes) throw unavailable('the watch of an aggregated API has no end of line');
      const items: WatchItem[] = [];
      for (const line of lines) {
        if (line === '') continue;
        const { type, object } = JSON.parse(line) as { readonly type: WatchItem['type'] | 'ERROR'; readonly object: object };
        if (type !== 'ERROR') items.push({ type, cached: cached(deepFreeze(object as KubeObject)) });
        else {
          if (items.length > 0) yield items;
          throw StatusError.fromStatus(object);
        }
      }
      if (items.length > 0) yield items;
    }
  } finally {
    response.destroy();
  }
}

function refusalIn(text: string): StatusError | undefined {
  try {
    return StatusError.fromStatus(JSON.parse(text) as object);
  } catch {
    return undefined;
  }
}
