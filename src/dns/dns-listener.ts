/** The two ways in: datagrams and connections. Source: RFC 1035 section 4.2, RFC 7766. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

export type Protocol = 'udp' | 'tcp';

/** Who asks, and how. */
export interface Peer {
  readonly address: string;
  readonly protocol: Protocol;
}

/** Answers a packet; undefined when there shall be no answer. Does not throw. */
export type Responder = (packet: Buffer, peer: Peer) => Buffer | undefined | Promise<Buffer | undefined>;

export interface ListenerDependencies {
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly respond: Responder;
}

export interface DnsListener {
  /** The same for both protocols. */
  readonly port: number;
  close(): Promise<void>;
}

/** Each holds a socket; what comes beyond is closed at once, and clients try again. */
const maxConnections = 256;
/** A connection without a whole question for this long is closed. */
const idleMs = 10_000;
/** An ephemeral port may be free for one protocol only. */
const portAttempts = 8;

/** Listens on both protocols; port 0 means any. Throws what the system says, such as EADDRINUSE. */
export async function listenDns(at: { readonly host: string; readonly port: number }, dependencies: ListenerDependencies): Promise<DnsListener> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await listenTcp(at, dependencies);
    try {
      const udp = await listenUdp({ host: at.host, port: tcp.port }, dependencies);
      return { port: tcp.port, close: async () => { await Promise.all([tcp.close(), udp.close()]); } };
    } catch (error) {
      await tcp.close();
      if (at.port !== 0 || attempt >= portAttempts) throw error;
    }
  }
}

async function listenUdp({ host, port }: { readonly host: string; readonly port: number }, dependencies: ListenerDependencies): Promise<DnsListener> {
  const sockets = [await bindUdp({ host, port, isShared: isWildcard(host) }, dependencies)];
  for (const own of isWildcard(host) ? ownAddresses(host) : []) {
    await bindUdp({ host: own, port, isShared: true }, dependencies).then((socket) => sockets.push(socket), (error: unknown) =>
      dependencies.log.warn({ error, address: own }, 'questions to this address may be answered from another one'));
  }
  return { port, close: async () => { await Promise.all(sockets.map((socket) => socket.close())); } };
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * A socket for all addresses answers from the one that lies nearest to the client, which need not be the one that was asked,
 * and then nobody takes the answer. So each address of the machine has a socket besides.
 */
function ownAddresses(wildcard: string): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  // Link-local addresses mean nothing without their link.
  const usable = all.filter(({ family, address }) => (family === 'IPv4' || (wildcard === '::' && !/^fe[89ab]/i.test(address))));
  return [...new Set(usable.map(({ address }) => address))];
}

interface UdpAddress {
  readonly host: string;
  readonly port: number;
  /** Whether other sockets of ours have the same port. */
  readonly isShared: boolean;
}

async function bindUdp({ host, port, isShared }: UdpAddress, { respond, log }: ListenerDependencies): Promise<{ close(): Promise<void> }> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reuseAddr: isShared });
  let isOpen = true;
  socket.on('message', (packet, peer) => {
    const send = (reply: Buffer | undefined): void => {
      // A client that is gone, or an address that cannot be reached, is not our affair.
      if (reply !== undefined && isOpen) socket.send(reply, peer.port, peer.address, () => undefined);
    };
    const reply = respond(packet, { address: peer.address, protocol: 'udp' });
    // Most answers are known at once, and go out without waiting for a turn.
    if (reply instanceof Promise) reply.then(send, (error: unknown) => log.error({ error }, 'a question was not answered'));
    else send(reply);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      socket.on('error', (error) => log.warn({ error }, 'the UDP socket failed'));
      resolve();
    });
  });
  return {
    close: () => new Promise((resolve) => {
      isOpen = false;
      socket.close(() => resolve());
    }),
  };
}

async function listenTcp({ host, port }: { readonly host: string; readonly port: number }, dependencies: ListenerDependencies): Promise<DnsListener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Clients break off as they like.
    serveConnection(socket, dependencies).catch(() => undefined).finally(() => socket.destroy());
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', (error) => dependencies.log.warn({ error }, 'the TCP socket failed'));
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** One question after the other: while one is answered nothing more is read, so nobody fills our memory. */
async function serveConnection(socket: Socket, { clock, respond }: ListenerDependencies): Promise<void> {
  const watchdog = (): { cancel(): void } => clock.after(idleMs, () => socket.destroy());
  let timer = watchdog();
  const peer: Peer = { address: socket.remoteAddress ?? '', protocol: 'tcp' };
  let buffered: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0);
        const packet = buffered.subarray(2, end);
        buffered = buffered.subarray(end);
        timer.cancel();
        const reply = await respond(packet, peer);
        // What is no question on a connection is somebody who speaks another language.
        if (reply === undefined) return;
        timer = watchdog();
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        const isWritten = socket.write(Buffer.concat([length, reply]));
        if (!isWritten) await new Promise<void>((resolve) => { socket.once('drain', resolve).once('close', resolve); });
      }
    }
    // The client has said all it wants to; what we have written still goes out.
    socket.end();
    await new Promise<void>((resolve) => { if (socket.closed || socket.writableFinished) resolve(); else socket.once('finish', resolve).once('close', resolve); });
  } finally {
    timer.cancel();
  }
}
