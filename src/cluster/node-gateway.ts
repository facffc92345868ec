/** The way from the API server to kubelets that are processes of their own: HTTPS, and upgrades handed through. */
import type { IncomingMessage } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import type { Node } from '#api/core/node.ts';
import { StatusError, unavailable } from '#apimachinery/status-error.ts';
import type { NodeAnswer, NodeGateway } from '#apiserver/request/node-gateway.ts';
import type { PemPair } from '#pki/authority.ts';
import { UnreachableError, forwardRequest } from '#serving/reverse-proxy.ts';
import { readRefusal } from '#wire/upgrade/dial-upgrade.ts';
import { proxyUpgrade } from '#wire/upgrade/proxy-upgrade.ts';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';

export interface NodeGatewayOptions {
  /** The Node object; throws a StatusError when there is none. */
  readonly nodeOf: (name: string) => Promise<Node>;
  /** `--kubelet-client-certificate` and `--kubelet-client-key`. */
  readonly client?: PemPair | undefined;
  /** `--kubelet-certificate-authority`. Without it the kubelet's certificate is not verified, as in the original. */
  readonly caPem?: string | undefined;
  /** `--kubelet-preferred-address-types`. Default: kubeadm's, not the flag's own, which wants host names to be resolved. */
  readonly addressTypes?: readonly string[];
  /** `--kubelet-timeout`: until the answer begins. Default: 5 s. */
  readonly timeoutMs?: number;
}

const defaultAddressTypes = ['InternalIP', 'ExternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS'];
const defaultKubeletPort = 10_250;

/** Reaches each kubelet at the address and port that its Node object names. */
export function httpsNodes(options: NodeGatewayOptions): NodeGateway {
  const tls = {
    ...(options.client === undefined ? {} : { cert: options.client.certificatePem, key: options.client.privateKeyPem }),
    ...(options.caPem === undefined ? { rejectUnauthorized: false } : { ca: options.caPem }),
  };
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 100, ...tls });
  const urlOf = async (nodeName: string, target: string): Promise<URL> => new URL(target, `https://${kubeletAddress(await options.nodeOf(nodeName), options.addressTypes ?? defaultAddressTypes)}`);

  return {
    async get(nodeName, target, signal) {
      const url = await urlOf(nodeName, target);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = requestHttps(url, { agent, signal, timeout: options.timeoutMs ?? 5000 }, resolve);
        request.once('timeout', () => request.destroy(new Error('no answer in time')));
        request.once('error', (error) => reject(unreachable(url, error)));
        request.end();
      });
      // A log that is followed may be silent for as long as it likes.
      response.socket.setTimeout(0);
      return answerOf(response);
    },
    async forward(nodeName, target, request, response) {
      const url = await urlOf(nodeName, target);
      try {
        await forwardRequest(request, response, { url, tls, agent, without: (name) => name === 'authorization' || name.startsWith('impersonate-') });
      } catch (error) {
        throw error instanceof UnreachableError ? unavailable(`error trying to reach service: ${error.message}`) : error;
      }
    },
    async upgrade(nodeName, target, request) {
      const url = await urlOf(nodeName, target);
      try {
        await proxyUpgrade(request, { url, method: request.method === 'GET' ? 'GET' : 'POST', tls });
      } catch (error) {
        if (error instanceof UpgradeError) throw refused(error.status, error.message);
        throw unreachable(url, error);
      }
    },
  };
}

/** `host:port` of the kubelet: the first address of the first preferred type that the node has. Pure. */
export function kubeletAddress(node: Node, preferred: readonly string[]): string {
  const addresses = node.status.addresses ?? [];
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  for (const type of preferred) {
    const address = addresses.find((each) => each.type === type)?.address;
    if (address === undefined) continue;
    return `${address.includes(':') ? `[${address}]` : address}:${port === 0 ? defaultKubeletPort : port}`;
  }
  throw unavailable(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(' ')}]`);
}

async function answerOf(response: IncomingMessage): Promise<NodeAnswer> {
  const status = response.statusCode ?? 502;
  if (status !== 200) throw refused(status, await readRefusal(response));
  return { contentType: response.headers['content-type'] ?? 'text/plain', body: response };
}

/** What the kubelet answered, as the API server's own answer: its text is what the user needs to read. */
function refused(status: number, text: string): StatusError {
  const reason = status === 404 ? 'NotFound' : status === 400 ? 'BadRequest' : status === 403 ? 'Forbidden' : 'InternalError';
  return new StatusError(status, reason, text.trim());
}

function unreachable(url: URL, error: unknown): StatusError {
  const text = error instanceof Error ? error.message : String(error);
  return new StatusError(500, 'InternalError', `Get "${url.href}": ${text}`);
}
