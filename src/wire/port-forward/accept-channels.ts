import { ChannelSocket } from '#wire/remote-command/channel-socket.ts';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';
import type { UpgradeRequest } from '#wire/upgrade/upgrade-request.ts';
import { acceptWebSocket } from '#wire/upgrade/websocket.ts';
import type { ForwardedConnection, PortForward } from './accept.ts';

/**
 * Port-forward over channels of a WebSocket, as clients of other languages than Go do it: one connection to each port that
 * the query names, over two channels, `2n` for the data and `2n + 1` for what goes wrong. Both begin with the port.
 *
 * Source: behaviour of the kubelet, `v4.channel.k8s.io` and `v4.base64.channel.k8s.io`.
 */
export const channelProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

/** As many as have a channel byte each; in base64 a channel is one digit. */
const maxPorts = 127;

/** The ports of a query: `ports=80,81` or `ports=80&ports=81`. Throws `UpgradeError` (400). */
export function portsIn(query: URLSearchParams): readonly number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','));
  return texts.map((text) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new UpgradeError(400, `unable to parse ${JSON.stringify(text)} as a port`);
    return port;
  });
}

/** Throws `UpgradeError` (400) when no port is named. */
export async function acceptChannelForward(
  request: UpgradeRequest, protocol: (typeof channelProtocols)[number],
  { ports, onConnection }: { readonly ports: readonly number[]; onConnection(this: void, connection: ForwardedConnection): void },
): Promise<PortForward> {
  if (ports.length === 0 || ports.length > maxPorts) throw new UpgradeError(400, `query parameter "ports" must name 1 to ${maxPorts} ports`);
  const webSocket = await acceptWebSocket(request, protocol);
  const closed = new Promise<void>((resolve) => { webSocket.once('close', () => resolve()); });
  const socket = new ChannelSocket(webSocket, { canHalfClose: false, isBase64: protocol.includes('base64') });
  let left = ports.length;
  for (const [index, port] of ports.entries()) {
    const [data, error] = [2 * index, 2 * index + 1];
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    socket.send(data, head);
    socket.send(error, head);
    const writable = socket.writable(data);
    let isFinished = false;
    onConnection({
      port, readable: socket.readable(data), writable,
      finish(failure) {
        if (isFinished) return;
        isFinished = true;
        if (failure !== undefined) socket.send(error, Buffer.from(failure));
        writable.end();
        if (--left === 0) writable.once('finish', () => socket.end());
      },
    });
  }
  return { closed, close: () => socket.destroy() };
}
