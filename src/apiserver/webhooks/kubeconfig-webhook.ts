/**
 * Services that the server is told of by a kubeconfig file (audit, tokens, authorization): one JSON document each way.
 * Source: Kubernetes documentation, "Webhook Token Authentication: configuration file format".
 */
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '#base/clock.ts';
import { connectionFailure } from '#client/connection-failure.ts';
import { createCredentials } from '#client/credentials.ts';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import { answerText } from './answer-text.ts';

export interface KubeconfigWebhook {
  readonly server: string;
  /** The answer's document; undefined when it has none. Rejects when there is no answer in time, or none that says yes. */
  post(body: object, options: { readonly timeoutMs: number }): Promise<unknown>;
  close(): void;
}

/** Throws a message when the file cannot be read or names no server. */
export function openKubeconfigWebhook(file: string, { clock }: { readonly clock: Clock }): KubeconfigWebhook {
  const connection = connectionFrom(loadKubeconfig({ file }), {});
  const credentials = createCredentials(connection, clock);
  const url = new URL(connection.server);
  const isSecure = url.protocol === 'https:';
  let agent: http.Agent | undefined;
  const connect = async (): Promise<http.Agent> => (agent ??= isSecure ? new https.Agent({ keepAlive: true, ...(await credentials.tls()) }) : new http.Agent({ keepAlive: true }));

  return {
    server: connection.server,
    async post(body, { timeoutMs }) {
      const bytes = Buffer.from(JSON.stringify(body));
      const deadline = new AbortController();
      const timer = clock.after(timeoutMs, () => deadline.abort(new Error('context deadline exceeded')));
      try {
        const headers = { ...(await credentials.headers()), 'content-type': 'application/json', accept: 'application/json', 'content-length': bytes.length };
        const shared = { agent: await connect(), method: 'POST', headers, signal: deadline.signal };
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const request = isSecure ? https.request(url, shared, resolve) : http.request(url, shared, resolve);
          request.on('error', reject);
          request.end(bytes);
        });
        const text = await answerText(response);
        const code = response.statusCode ?? 0;
        if (code < 200 || code >= 300) throw new Error(`the server answered ${code}: ${text.trim().slice(0, 500)}`);
        return text.trim() === '' ? undefined : (JSON.parse(text) as unknown);
      } catch (error) {
        throw new Error(`Post ${JSON.stringify(connection.server)}: ${deadline.signal.aborted ? 'context deadline exceeded' : connectionFailure(error)}`, { cause: error });
      } finally {
        timer.cancel();
      }
    },
    close: () => agent?.destroy(),
  };
}
