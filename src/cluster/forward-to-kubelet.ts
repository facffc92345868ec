import { Node } from '#api/core/node.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import type { NodeGateway } from '#apiserver/request/node-gateway.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import type { PemPair } from '#pki/authority.ts';

/**
 * Requests to nodes/proxy go to the kubelet's own port, even where the kubelet is in this process: what it serves there
 * has no other form. `apiServer` is asked for late, for it needs the gateway first.
 */
export function forwardToKubelet(apiServer: () => ApiServer | undefined, client: PemPair | undefined): NonNullable<NodeGateway['forward']> {
  let gateway: Promise<NodeGateway> | undefined;
  const make = async (): Promise<NodeGateway> => {
    const server = apiServer();
    if (server === undefined) throw unavailable('the API server has not started yet');
    // Loaded when it is asked for: a start does not wait for it.
    const [{ inProcessAdmin }, { createClient }, { httpsNodes }] = await Promise.all([import('#apiserver/api-server.ts'), import('#client/create-client.ts'), import('./node-gateway.ts')]);
    const api = createClient(server.transport(inProcessAdmin, 'kube-apiserver'));
    return httpsNodes({ client, nodeOf: (name) => api.get(Node, { name }) });
  };
  return async (nodeName, target, request, response) => {
    const nodes = await (gateway ??= make());
    await nodes.forward?.(nodeName, target, request, response);
  };
}
