/**
 * How admission webhooks know this server: a kubeconfig whose users bear the names of hosts.
 * Source: Kubernetes documentation, "Dynamic Admission Control: authenticate API servers"; WebhookAdmissionConfiguration.
 */
import type { Clock } from '#base/clock.ts';
import type { Credentials } from '#client/credentials.ts';
import { createCredentials } from '#client/credentials.ts';
import type { Kubeconfig, KubeconfigUser } from '#client/kubeconfig.ts';
import { connectionFrom, emptyKubeconfig, loadKubeconfig } from '#client/kubeconfig.ts';

export interface NamedIdentity {
  /** Tells it from all others. */
  readonly name: string;
  readonly credentials: Credentials;
}

/** What this server shows at `host` (with its port where that is not 443); undefined: nothing. */
export type WebhookIdentity = (host: string) => NamedIdentity | undefined;

/** Throws a message when the file cannot be read. */
export function webhookIdentity(file: string, clock: Clock): WebhookIdentity {
  const { users } = loadKubeconfig({ file });
  const made = new Map<string, NamedIdentity>();
  return (host) => {
    const user = userFor(users, host);
    if (user === undefined) return undefined;
    let identity = made.get(user.name);
    if (identity === undefined) {
      identity = { name: `${file} ${user.name}`, credentials: createCredentials(connectionFrom(asKubeconfig(user), { server: `https://${host}` }), clock) };
      made.set(user.name, identity);
    }
    return identity;
  };
}

interface NamedUser {
  readonly name: string;
  readonly user: KubeconfigUser;
}

/** The host itself, then `*.` with ever fewer of its labels, then `*`. */
export function userFor(users: readonly NamedUser[], host: string): NamedUser | undefined {
  const labels = host.split('.');
  const names = [host, ...labels.slice(1).map((_label, index) => `*.${labels.slice(index + 1).join('.')}`), '*'];
  for (const name of names) {
    const found = users.find((each) => each.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asKubeconfig({ name, user }: NamedUser): Kubeconfig {
  return { ...emptyKubeconfig(), users: [{ name, user }], contexts: [{ name, context: { cluster: '', user: name } }], clusters: [{ name: '', cluster: {} }], 'current-context': name };
}
