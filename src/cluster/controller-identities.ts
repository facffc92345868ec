import type { Clock } from '#base/clock.ts';
import { TokenRequest } from '#api/authentication/token-request.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { ComponentContext } from '#client/component.ts';
import type { ConnectionConfig } from '#client/connection.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { serviceAccountOf } from '#controllers/service-accounts.ts';

const namespace = 'kube-system';
const tokenSeconds = 3600;
/** A token is replaced when this part of its time is left. */
const renewalPart = 0.2;

/**
 * Clients that speak as the controllers' own service accounts, over connections like `connection`. Accounts that do not
 * exist are made. The manager itself needs to be allowed no more than that, and to read.
 *
 * Source: kube-controller-manager's --use-service-account-credentials.
 */
export function controllerIdentities(
  context: ComponentContext, connection: ConnectionConfig,
): (controller: string) => Pick<ComponentContext, 'client' | 'recorderFor'> {
  const clients = new Map<string, Client>();
  const { clock, log } = context;
  return (controller) => {
    const account = serviceAccountOf(controller);
    let client = clients.get(account);
    if (client === undefined) {
      const { server, ca, insecureSkipTlsVerify, tlsServerName } = connection;
      const transport = createHttpsTransport(
        { server, ca, insecureSkipTlsVerify, tlsServerName, tokenSource: tokenSource(context.client, account, clock) },
        { clock, userAgent: `kube-controller-manager/${account}` },
      );
      client = createClient(transport);
      clients.set(account, client);
    }
    const own = client;
    return { client: own, recorderFor: (component, options) => createEventRecorder({ client: own, clock, log }, component, options) };
  };
}

/** Gives a token of the account, the same one until it is about to run out. */
function tokenSource(client: Client, account: string, clock: Clock): () => Promise<string> {
  let current: Promise<string> | undefined;
  let renewAtMs = 0;
  return async () => {
    if (current === undefined || clock.nowMs() >= renewAtMs) {
      renewAtMs = clock.nowMs() + tokenSeconds * 1000 * (1 - renewalPart);
      current = requestToken(client, account);
      current.catch(() => {
        current = undefined;
      });
    }
    return current;
  };
}

async function requestToken(client: Client, account: string): Promise<string> {
  const key = { namespace, name: account };
  const request = (): Promise<TokenRequest> =>
    client.createSubresource(ServiceAccount, key, 'token', TokenRequest, { metadata: key, spec: { audiences: [], expirationSeconds: tokenSeconds } });
  let answer: TokenRequest;
  try {
    answer = await request();
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    await client.create(ServiceAccount, { metadata: key }).catch((failure: unknown) => {
      if (!hasReason(failure, 'AlreadyExists')) throw failure;
    });
    answer = await request();
  }
  return answer.status.token;
}
