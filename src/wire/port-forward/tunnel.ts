import { dialUpgrade } from '#wire/upgrade/dial-upgrade.ts';
import type { UpgradeTarget } from '#wire/upgrade/dial-upgrade.ts';
import { splice } from '#wire/upgrade/proxy-upgrade.ts';
import { upgradeOffer } from '#wire/upgrade/upgrade-request.ts';
import type { UpgradeRequest } from '#wire/upgrade/upgrade-request.ts';
import { acceptByteStream, portForwardProtocol } from './accept.ts';

/**
 * Passes a client's port-forward on to a backend that speaks SPDY/3.1 (a kubelet, containerd); the client may have come
 * over a WebSocket. Resolves when both have closed. Before anything was answered it throws as `proxyUpgrade` does.
 */
export async function tunnelPortForward(request: UpgradeRequest, target: Omit<UpgradeTarget, 'method'>): Promise<void> {
  upgradeOffer(request, ['websocket', 'spdy/3.1']);
  const backend = await dialUpgrade({ ...target, method: 'POST' }, {
    'connection': 'Upgrade', 'upgrade': 'SPDY/3.1', 'x-stream-protocol-version': portForwardProtocol.spdy,
  });
  const client = await acceptByteStream(request).catch((error: unknown) => {
    backend.socket.destroy();
    throw error;
  });
  if (backend.head.length > 0) client.socket.write(backend.head);
  if (client.head.length > 0) backend.socket.write(client.head);
  await splice(client.socket, backend.socket);
}
