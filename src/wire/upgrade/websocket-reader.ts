import type { WebSocket } from 'ws';
import { negotiate } from './upgrade-request.ts';
import type { UpgradeRequest } from './upgrade-request.ts';
import { acceptWebSocket, offeredSubprotocols } from './websocket.ts';

/** The first is what a client gets that offers none. */
const subprotocols = ['', 'binary.k8s.io', 'base64.binary.k8s.io'] as const;
/** What waits for a slow client before no more is read. */
const maxBufferedBytes = 1 << 20;

/**
 * Sends a stream of bytes over a WebSocket, piece by piece, and closes it: how browsers follow a log. Throws
 * `UpgradeError` before anything was sent; once it is a WebSocket, a failure of the stream only ends it.
 *
 * Source: Kubernetes' streaming subprotocols binary.k8s.io and base64.binary.k8s.io.
 */
export async function sendOverWebSocket(request: UpgradeRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const offered = offeredSubprotocols(request);
  const subprotocol = offered.length === 0 ? '' : negotiate(offered, subprotocols);
  const socket = await acceptWebSocket(request, subprotocol);
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket.on('error', () => socket.terminate());
  // Nothing the client says means anything, but its leave must be seen.
  socket.resume();
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), gone]);
      if (next === undefined || next.done === true) break;
      await send(socket, subprotocol === 'base64.binary.k8s.io' ? Buffer.from(next.value).toString('base64') : next.value, gone);
    }
    socket.close(1000);
  } catch {
    socket.close(1011);
  } finally {
    // Not waited for: a stream that is silent ends when it next says something.
    iterator.return?.().catch(() => {});
  }
}

/** Resolves at once while the client keeps up, else when it has taken what waits, or is gone. */
async function send(socket: WebSocket, data: string | Uint8Array, gone: Promise<void>): Promise<void> {
  const taken = new Promise<void>((resolve) => {
    socket.send(data, () => resolve());
  });
  if (socket.bufferedAmount > maxBufferedBytes) await Promise.race([taken, gone]);
}
