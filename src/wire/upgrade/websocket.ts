import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { readRefusal } from './dial-upgrade.ts';
import type { UpgradeTarget } from './dial-upgrade.ts';
import { UpgradeError, listHeader, upgradeOffer } from './upgrade-request.ts';
import type { UpgradeRequest } from './upgrade-request.ts';

/** A message longer than this ends the connection. kubectl sends at most 32 KiB and a byte. */
const maxPayload = 1 << 20;

/** The subprotocols a client offers, best first. */
export function offeredSubprotocols(request: UpgradeRequest): string[] {
  return listHeader(request, 'sec-websocket-protocol');
}

/**
 * Accepts a WebSocket in the given subprotocol ('' for none). Throws `UpgradeError` (400) when the request is no WebSocket
 * handshake; rejects when the handshake fails, which the client has been told by then. The
 * socket comes paused: `resume` it once there are listeners.
 */
export async function acceptWebSocket(request: UpgradeRequest, subprotocol: string): Promise<WebSocket> {
  const offer = upgradeOffer(request, ['websocket']);
  if (request.method !== 'GET' || request.headers['sec-websocket-key'] === undefined) {
    throw new UpgradeError(400, 'unable to upgrade: not a WebSocket handshake');
  }
  const { socket, head, incoming } = offer.accept();
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new UpgradeError(400, 'the WebSocket handshake failed')));
    if (subprotocol !== '') chosen.set(incoming, subprotocol);
    // `ws` is not shown what was offered: it takes only names of token characters, and Kubernetes' have a slash.
    delete incoming.headers['sec-websocket-protocol'];
    handshakes.handleUpgrade(incoming, socket, head, (accepted) => resolve(paused(accepted)));
  });
}

/** What `acceptWebSocket` chose, on its way through `ws` into the answer's headers. */
const chosen = new WeakMap<IncomingMessage, string>();

/** One for the whole process: it keeps no connections, it only shakes hands. */
const handshakes = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload });
handshakes.on('headers', (lines, incoming) => {
  const subprotocol = chosen.get(incoming);
  if (subprotocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
});

/**
 * Opens a WebSocket with the first of `subprotocols` that the server takes. Rejects as `dialUpgrade` does. It comes
 * paused, as above.
 */
export function dialWebSocket(target: Omit<UpgradeTarget, 'method'>, subprotocols: readonly string[]): Promise<WebSocket> {
  const socket = new WebSocket(target.url, [...subprotocols], {
    ...target.tls,
    headers: Object.fromEntries(Object.entries(target.headers ?? {}).map(([name, value]) => [name, String(value)])),
    perMessageDeflate: false,
    maxPayload,
    ...(target.signal === undefined ? {} : { signal: target.signal }),
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(paused(socket)));
    socket.on('error', reject);
    socket.once('unexpected-response', (request, response) => {
      readRefusal(response).then((text) => reject(new UpgradeError(response.statusCode ?? 502, text)), reject)
        .finally(() => request.destroy());
    });
  });
}

/** The first message may come with the handshake, before whoever waits for the promise can listen. */
function paused(socket: WebSocket): WebSocket {
  socket.pause();
  return socket;
}
