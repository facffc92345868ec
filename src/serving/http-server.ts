import type { AddressInfo, Server } from 'node:net';

export interface ListenAddress {
  readonly port: number;
  /** An address of this machine; all of them when absent. */
  readonly host?: string;
}

/** A daemon's HTTPS port, or its plain one. */
export interface HttpServer {
  /** Resolves when connections are accepted, with the port that was taken (for port 0). Rejects when it is in use. */
  listen(address: ListenAddress): Promise<{ readonly port: number }>;
  /** Aborts when `close` is called: long answers should come to an end. */
  readonly closing: AbortSignal;
  /** Open connections. */
  readonly connectionCount: number;
  /**
   * Takes no more connections, sends GOAWAY, lets requests under way finish, and cuts what is left after `drainMs`.
   * Resolves when no connection is open.
   */
  close(options: { readonly drainMs: number }): Promise<void>;
}

/** Starts listening; for the makers of servers. */
export function listenOn(server: Server, address: ListenAddress): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve({ port: (server.address() as AddressInfo).port });
    });
  });
}
