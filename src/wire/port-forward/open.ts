import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SpdyConnection } from '#wire/spdy/connection.ts';
import { dialUpgrade } from '#wire/upgrade/dial-upgrade.ts';
import type { UpgradeTarget } from '#wire/upgrade/dial-upgrade.ts';
import { portForwardProtocol } from './accept.ts';

/** A connection through a port-forward, on the client's side. */
export interface OpenedConnection {
  readonly readable: Readable;
  readonly writable: Writable;
  /** What went wrong at the other end; empty when nothing did. Resolves when the connection is over. */
  readonly failure: Promise<string>;
  /** Ends both directions. */
  close(this: void): void;
}

export interface PortForwardSession {
  /** A new connection to a port of the pod. Rejects when the session is over. */
  connect(this: void, port: number): Promise<OpenedConnection>;
  readonly closed: Promise<void>;
  close(this: void): void;
}

/** Opens a port-forward over SPDY/3.1. Rejects as `dialUpgrade` does. */
export async function openPortForward(target: Omit<UpgradeTarget, 'method'>): Promise<PortForwardSession> {
  const { socket, head } = await dialUpgrade({ ...target, method: 'POST' }, {
    'connection': 'Upgrade', 'upgrade': 'SPDY/3.1', 'x-stream-protocol-version': portForwardProtocol.spdy,
  });
  const connection = new SpdyConnection({ socket, head, role: 'client' });
  let nextRequestId = 0;
  return {
    closed: connection.closed,
    close: () => connection.destroy(),
    async connect(port) {
      const headers = { port: String(port), requestid: String(nextRequestId++) };
      const error = await connection.open({ ...headers, streamtype: 'error' });
      error.writable.end();
      const data = await connection.open({ ...headers, streamtype: 'data' });
      return {
        readable: data.readable,
        writable: data.writable,
        failure: text(error.readable).catch(() => ''),
        close() {
          data.reset();
          error.reset();
        },
      };
    },
  };
}
