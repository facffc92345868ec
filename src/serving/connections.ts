import type { ServerHttp2Session } from 'node:http2';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';

/** What ends a server: stop accepting, let go what is idle, wait for what is under way, then cut. */
export class Connections {
  readonly #sockets = new Set<Duplex>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #closing = new AbortController();
  #onEmpty: (() => void) | undefined;

  /** Aborts when the server begins to close: long answers (watches) should come to an end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Open connections, those in the TLS handshake and those that left HTTP by an upgrade included. */
  get count(): number {
    return this.#sockets.size;
  }

  readonly isClosing = (): boolean => this.#closing.signal.aborted;

  /** Every accepted socket, before TLS. */
  add(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
  }

  addSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    if (this.isClosing()) session.close();
  }

  /** Resolves when every connection is gone; those that still live after `drainMs` are cut. */
  async close(server: Server, options: { readonly clock: Clock; readonly drainMs: number; closeIdle(): void }): Promise<void> {
    const notListening = new Promise<void>((resolve) => { server.close(() => resolve()); });
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    this.#closing.abort(new Error('the server is shutting down'));
    // GOAWAY: the client opens no new streams here, those that are open may finish.
    for (const session of this.#sessions) session.close();
    options.closeIdle();
    const cut = options.clock.after(options.drainMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all([notListening, empty]);
    cut.cancel();
  }
}
