import type { Duplex, Readable, Writable } from 'node:stream';
import { createWebSocketStream } from 'ws';
import type { Clock } from '#base/clock.ts';
import { SpdyConnection } from '#wire/spdy/connection.ts';
import type { SpdyStream } from '#wire/spdy/connection.ts';
import { acceptSpdy, listHeader, negotiate } from '#wire/upgrade/upgrade-request.ts';
import type { UpgradeRequest } from '#wire/upgrade/upgrade-request.ts';
import { acceptWebSocket, offeredSubprotocols } from '#wire/upgrade/websocket.ts';
import { acceptChannelForward, channelProtocols } from './accept-channels.ts';

/** The protocol of the streams; over a WebSocket it is SPDY/3.1 in binary messages (KEP-4006). */
export const portForwardProtocol = { spdy: 'portforward.k8s.io', tunnelled: 'SPDY/3.1+portforward.k8s.io' } as const;

/** One connection a client wants to a port of a pod. */
export interface ForwardedConnection {
  readonly port: number;
  /** What the client sends; ends when it has no more. */
  readonly readable: Readable;
  readonly writable: Writable;
  /** Ends the connection; with a message, the client shows it. */
  finish(this: void, failure?: string): void;
}

export interface PortForward {
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>;
  close(this: void): void;
}

/** How long a client may take to open the second of a connection's two streams. */
const pairingMs = 30_000;

/**
 * Accepts a port-forward, over SPDY/3.1, a WebSocket that tunnels it or channels of a WebSocket, and calls `onConnection` for
 * each connection. Over channels the connections are to `ports`, which the query of the request names.
 * Throws `UpgradeError` when the request cannot be upgraded; nothing has been answered then.
 */
export async function acceptPortForward(
  request: UpgradeRequest,
  { clock, ports = [], onConnection }: { readonly clock: Clock; readonly ports?: readonly number[]; onConnection(this: void, connection: ForwardedConnection): void },
): Promise<PortForward> {
  const channelled = request.upgrade?.protocol === 'websocket' ? offeredSubprotocols(request).find((each) => each === portForwardProtocol.tunnelled || isChannelled(each)) : undefined;
  if (channelled !== undefined && isChannelled(channelled)) return acceptChannelForward(request, channelled, { ports, onConnection });
  const { socket, head } = await acceptByteStream(request);
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  const connection = new SpdyConnection({
    socket, head, role: 'server',
    onStream(stream) {
      const id = stream.headers['requestid'] ?? `${stream.id - (stream.headers['streamtype'] === 'data' ? 2 : 0)}`;
      const pair = pairs.get(id) ?? {};
      pairs.set(id, pair);
      if (stream.headers['streamtype'] === 'data') pair.data = stream;
      else pair.error = stream;
      if (pair.data !== undefined && pair.error !== undefined) {
        pairs.delete(id);
        onConnection(forwardedConnection(pair.data, pair.error));
        return;
      }
      clock.after(pairingMs, () => {
        if (pairs.get(id) === pair && pairs.delete(id)) stream.reset();
      });
    },
  });
  return { closed: connection.closed, close: () => connection.destroy() };
}

function isChannelled(protocol: string): protocol is (typeof channelProtocols)[number] {
  return (channelProtocols as readonly string[]).includes(protocol);
}

/** The SPDY bytes of a port-forward, whichever way they come. Throws as `acceptPortForward`. */
export async function acceptByteStream(request: UpgradeRequest): Promise<{ readonly socket: Duplex; readonly head: Buffer }> {
  if (request.upgrade?.protocol !== 'websocket') {
    return acceptSpdy(request, negotiate(listHeader(request, 'x-stream-protocol-version'), [portForwardProtocol.spdy]));
  }
  const webSocket = await acceptWebSocket(request, negotiate(offeredSubprotocols(request), [portForwardProtocol.tunnelled]));
  const socket = createWebSocketStream(webSocket);
  webSocket.resume();
  return { socket, head: Buffer.alloc(0) };
}

function forwardedConnection(data: SpdyStream, error: SpdyStream): ForwardedConnection {
  const port = Number(data.headers['port'] ?? error.headers['port']);
  return {
    port,
    readable: data.readable,
    writable: data.writable,
    finish(failure) {
      if (failure !== undefined) error.writable.write(failure);
      error.writable.end();
      data.writable.end();
    },
  };
}
