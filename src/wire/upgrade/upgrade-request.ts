import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** A request that asks to leave HTTP. The server's own request type fits; this names what is used of it. */
export interface UpgradeRequest {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly upgrade: {
    /** In lower case: `websocket`, `spdy/3.1`. */
    readonly protocol: string;
    /** Hands over the connection; from then on nothing can be answered over HTTP. */
    accept(): { readonly socket: Duplex; readonly head: Buffer; readonly incoming: IncomingMessage };
  } | undefined;
}

/** The request cannot be upgraded; nothing has been sent yet. `status` and `message` are what Kubernetes answers. */
export class UpgradeError extends Error {
  override readonly name = 'UpgradeError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The values of a header that holds a list, over however many lines it came. */
export function listHeader(request: Pick<UpgradeRequest, 'headers'>, name: string): string[] {
  const value = request.headers[name];
  const lines = Array.isArray(value) ? value : [value ?? ''];
  return lines.flatMap((line) => line.split(',')).map((item) => item.trim()).filter((item) => item !== '');
}

/**
 * The first protocol of the client's list that the server knows. Throws `UpgradeError` (403) when there is none.
 *
 * @param offered what the client sent, best first
 */
export function negotiate<Protocol extends string>(offered: readonly string[], known: readonly Protocol[]): Protocol {
  for (const protocol of offered) {
    const match = known.find((candidate) => candidate === protocol);
    if (match !== undefined) return match;
  }
  throw new UpgradeError(403, `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`);
}

/** Throws `UpgradeError` (400) unless the request asks to leave HTTP for one of `protocols`. */
export function upgradeOffer(request: UpgradeRequest, protocols: readonly string[]): NonNullable<UpgradeRequest['upgrade']> {
  const offer = request.upgrade;
  if (offer !== undefined && protocols.includes(offer.protocol)) return offer;
  throw new UpgradeError(400, 'unable to upgrade: missing upgrade headers in request');
}

/** Accepts an upgrade to SPDY/3.1 in the negotiated `X-Stream-Protocol-Version`. */
export function acceptSpdy(request: UpgradeRequest, streamProtocol: string): { readonly socket: Duplex; readonly head: Buffer } {
  const { socket, head } = upgradeOffer(request, ['spdy/3.1']).accept();
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n'
    + `X-Stream-Protocol-Version: ${streamProtocol}\r\n\r\n`);
  return { socket, head };
}
