import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';

/** So many connections beyond the limit are taken to tell them that they are too many: a part of it, and at least a few. */
const surplusPart = 1 / 16;
const minSurplus = 16;
/** How long one that is too many stays open: its client may ask once, to be told. */
const surplusMs = 10_000;

/**
 * The open connections of a server: how many there may be, and how they end: stop accepting, let go what is idle, wait for
 * what is under way, then cut.
 */
export class Connections {
  readonly #sockets = new Set<Duplex>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #closing = new AbortController();
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #hardLimit: number;
  /** Connections as HTTP knows them. */
  readonly #surplus = new WeakSet<object>();
  #refused = 0;
  #onEmpty: (() => void) | undefined;

  /** `limit`: how many are served at once. */
  constructor(clock: Clock, limit = Infinity) {
    this.#clock = clock;
    this.#limit = limit;
    this.#hardLimit = limit + Math.max(minSurplus, Math.ceil(limit * surplusPart));
  }

  /** How many were too many, up to now. */
  get refused(): number {
    return this.#refused;
  }

  /** Aborts when the server begins to close: long answers (watches) should come to an end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Open connections, those in the TLS handshake and those that left HTTP by an upgrade included. */
  get count(): number {
    return this.#sockets.size;
  }

  readonly isClosing = (): boolean => this.#closing.signal.aborted;

  /** Every accepted socket, before TLS. Cuts one for which not even a refusal can be afforded. */
  add(socket: Duplex): void {
    if (this.#sockets.size >= this.#hardLimit) {
      this.#refused++;
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
  }

  /** Notes whether a connection that is open now, a socket after TLS or an HTTP/2 session, is one too many. */
  judge(connection: Socket | ServerHttp2Session): void {
    if (this.#sockets.size <= this.#limit) return;
    this.#refused++;
    this.#surplus.add(connection);
    const timer = this.#clock.after(surplusMs, () => connection.destroy());
    connection.once('close', () => timer.cancel());
  }

  /** Whether its requests are to be refused. */
  isSurplus(connection: object | undefined): boolean {
    return connection !== undefined && this.#surplus.has(connection);
  }

  addSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    if (this.isClosing()) session.close();
  }

  /** Resolves when every connection is gone; those that still live after `drainMs` are cut. */
  async close(server: Server, options: { readonly drainMs: number; closeIdle(): void }): Promise<void> {
    const notListening = new Promise<void>((resolve) => { server.close(() => resolve()); });
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    this.#closing.abort(new Error('the server is shutting down'));
    // GOAWAY: the client opens no new streams here, those that are open may finish.
    for (const session of this.#sessions) session.close();
    options.closeIdle();
    const cut = this.#clock.after(options.drainMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all([notListening, empty]);
    cut.cancel();
  }
}
