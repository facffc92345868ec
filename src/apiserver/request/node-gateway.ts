import type { StatusError } from '#apimachinery/status-error.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';

/**
 * The way to the kubelet of a node: its logs, exec, attach and port-forward. In one process a direct handle, else HTTPS
 * to the address that the Node object names.
 */
export interface NodeGateway {
  /** GET on the kubelet (`/containerLogs/...`). Throws a StatusError when the node cannot be reached or refuses. */
  get(nodeName: string, target: string, signal: AbortSignal): Promise<NodeAnswer>;
  /** Hands the connection of an upgrade request on to the kubelet's `target`. Throws before anything was sent. */
  upgrade(nodeName: string, target: string, request: ServerRequest, response: ServerResponse): Promise<void>;
  /** Hands any other request on to the kubelet's `target` (nodes/proxy). Without it only GET works. */
  forward?(nodeName: string, target: string, request: ServerRequest, response: ServerResponse): Promise<void>;
}

export interface NodeAnswer {
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** For clusters without nodes that could be reached. */
export const noNodes: NodeGateway = {
  get: (nodeName) => Promise.reject(unreachable(nodeName)),
  upgrade: (nodeName) => Promise.reject(unreachable(nodeName)),
};

function unreachable(nodeName: string): StatusError {
  return unavailable(`node ${nodeName} has no kubelet that can be reached`);
}
