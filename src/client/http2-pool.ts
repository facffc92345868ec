/**
 * HTTP/2 connections to one server. Requests share connections; a connection that is full, closing or dead is replaced.
 */
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Clock, Timer } from '#base/clock.ts';
import type { TlsMaterial } from './credentials.ts';

/** Servers allow 100 streams and more per connection; watches hold theirs for minutes. */
const maxStreams = 80;
/** A connection with open streams is asked for a sign of life this often, and given up when none comes. */
const pingEveryMs = 30_000;
const pingTimeoutMs = 15_000;
/** Unused connections are closed after this time. */
const idleMs = 90_000;

export interface Http2Pool {
  /** Opens a stream. It may still fail with the connection's error. */
  open(headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream>;
  close(): void;
}

interface Connection {
  readonly session: ClientHttp2Session;
  streams: number;
  isDraining: boolean;
}

/** `origin` is `https://host:port`; `tls` is asked anew for every connection. */
export function createHttp2Pool(origin: string, tls: () => Promise<TlsMaterial>, clock: Clock): Http2Pool {
  const connections = new Set<Connection>();
  /** The connection being made; requests that come meanwhile wait for the same one. */
  let connecting: Promise<Connection> | undefined;
  let isClosed = false;

  const make = async (): Promise<Connection> => {
    const session = connect(origin, { ...(await tls()), settings: { enablePush: false, initialWindowSize: 1 << 20 } });
    const connection: Connection = { session, streams: 0, isDraining: false };
    const stopPinging = keepAlive(connection, clock);
    // Errors reach whoever waits for a stream of it.
    session.on('error', () => {});
    session.on('goaway', () => {
      connection.isDraining = true;
    });
    session.on('close', () => {
      stopPinging();
      connections.delete(connection);
    });
    await connected(session);
    session.unref();
    connections.add(connection);
    return connection;
  };

  const pick = async (): Promise<Connection> => {
    for (const connection of connections) {
      const { session, streams, isDraining } = connection;
      if (!session.closed && !session.destroyed && !isDraining && streams < maxStreams) return connection;
    }
    connecting ??= make().finally(() => {
      connecting = undefined;
    });
    return connecting;
  };

  return {
    async open(headers) {
      if (isClosed) throw new Error('the transport is closed');
      const connection = await pick();
      const stream = connection.session.request(headers, { endStream: false });
      connection.streams++;
      // An open stream keeps the process alive, an idle connection does not.
      connection.session.ref();
      stream.once('close', () => {
        connection.streams--;
        if (connection.streams === 0 && !connection.session.destroyed) connection.session.unref();
      });
      return stream;
    },
    close() {
      isClosed = true;
      for (const { session } of connections) session.destroy();
      connections.clear();
    },
  };
}

/** Rejects with what kept the connection from being made: a refused port, a certificate that is not trusted. */
function connected(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
    session.once('close', () => reject(new Error('the connection was closed at once')));
  });
}

function keepAlive(connection: Connection, clock: Clock): () => void {
  const { session } = connection;
  let timer: Timer;
  let deadline: Timer | undefined;
  let idleSinceMs = clock.monotonicMs();
  const beat = (): void => {
    timer = clock.after(pingEveryMs, beat);
    if (connection.streams > 0) idleSinceMs = clock.monotonicMs();
    else if (clock.monotonicMs() - idleSinceMs >= idleMs) session.close();
    if (connection.streams === 0 || session.destroyed || session.connecting || deadline !== undefined) return;
    deadline = clock.after(pingTimeoutMs, () => session.destroy(new Error('http2: client connection lost'), constants.NGHTTP2_CANCEL));
    session.ping(() => {
      deadline?.cancel();
      deadline = undefined;
    });
  };
  timer = clock.after(pingEveryMs, beat);
  return () => {
    timer.cancel();
    deadline?.cancel();
  };
}
