import { pipeline } from 'node:stream';
import type { Readable, Writable } from 'node:stream';
import type { RemoteCommandSession, RemoteCommandStreams } from './streams.ts';

/**
 * Lets a client's command be run by another server: the API server by a kubelet, the kubelet by the container runtime.
 * Whatever the two protocols are. Resolves when the client has its status, or has gone away. Never rejects.
 */
export async function relayRemoteCommand(client: RemoteCommandStreams, backend: RemoteCommandSession): Promise<void> {
  client.signal.addEventListener('abort', () => backend.close(), { once: true });
  if (client.signal.aborted) backend.close();
  if (client.stdin !== undefined && backend.stdin !== undefined) void copy(client.stdin, backend.stdin);
  void relaySizes(client, backend);
  const [status] = await Promise.all([
    backend.status,
    copyIfBoth(backend.stdout, client.stdout),
    copyIfBoth(backend.stderr, client.stderr),
  ]);
  await client.writeStatus(status);
  backend.close();
}

async function relaySizes(client: RemoteCommandStreams, backend: RemoteCommandSession): Promise<void> {
  for await (const size of client.resizes) backend.resize(size);
}

async function copyIfBoth(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from !== undefined && to !== undefined) await copy(from, to);
}

/** Copies to the end, or until one side breaks: then there is nobody to tell. */
function copy(from: Readable, to: Writable): Promise<void> {
  return new Promise((resolve) => {
    pipeline(from, to, () => resolve());
  });
}
