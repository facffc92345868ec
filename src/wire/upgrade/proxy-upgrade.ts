import { pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { dialUpgrade } from './dial-upgrade.ts';
import type { UpgradeTarget } from './dial-upgrade.ts';
import { upgradeOffer } from './upgrade-request.ts';
import type { UpgradeRequest } from './upgrade-request.ts';

/** Headers of the client that matter to the backend; all else (credentials above all) stays here. */
const forwarded = /^(upgrade|x-stream-protocol-version|sec-websocket-.*|origin)$/;

/** Headers of the backend's 101 that the client must see. */
const returned = /^(upgrade|connection|x-stream-protocol-version|x-accepted-stream-protocol-versions|sec-websocket-.*)$/i;

/**
 * Passes a client's upgrade on to a backend and joins the two connections; neither protocol is looked into. Resolves when
 * both have closed. Throws before anything was answered: `UpgradeError` with the backend's status and text when it refuses,
 * the connection's error when it cannot be reached.
 */
export async function proxyUpgrade(request: UpgradeRequest, target: UpgradeTarget): Promise<void> {
  const offer = upgradeOffer(request, ['websocket', 'spdy/3.1']);
  const headers: Record<string, string | string[]> = { connection: 'Upgrade' };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && forwarded.test(name)) headers[name] = value;
  }
  const backend = await dialUpgrade({ ...target, method: request.method === 'GET' ? 'GET' : 'POST' }, headers);
  const { socket, head } = offer.accept();
  socket.write(switchingProtocols(backend.rawHeaders));
  if (backend.head.length > 0) socket.write(backend.head);
  if (head.length > 0) backend.socket.write(head);
  await splice(socket, backend.socket);
}

/** Copies both ways until each side has ended or one breaks, then closes both. Never rejects. */
export async function splice(one: Duplex, other: Duplex): Promise<void> {
  const copy = (from: Duplex, to: Duplex): Promise<void> => new Promise((resolve) => {
    pipeline(from, to, () => resolve());
  });
  // Two pipelines and the server's own ends listen here: more than Node thinks sane.
  for (const each of [one, other]) each.setMaxListeners(30);
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
  await Promise.all([copy(one, other), copy(other, one)]);
  one.destroy();
  other.destroy();
}

function switchingProtocols(rawHeaders: readonly string[]): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (returned.test(name)) text += `${name}: ${rawHeaders[index + 1] ?? ''}\r\n`;
  }
  return `${text}\r\n`;
}
