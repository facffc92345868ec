import { unauthorized } from '#apimachinery/status-error.ts';
import type { Peer, RequestHeaders } from '#serving/exchange.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { CertificateTrust } from './certificate-trust.ts';
import type { TokenIssuer } from './service-account-tokens.ts';

/** What a request shows of its sender. */
export interface Credentials {
  readonly peer: Peer;
  readonly headers: RequestHeaders;
  /** Of the request, without its query. */
  readonly path: string;
}

/** Says who sent a request. One file's worth each; asked in order, the first answer counts. */
export interface Authenticator {
  readonly name: string;
  /** Undefined: these are not my credentials. Throws a 401 when they are but do not hold. */
  authenticate(credentials: Credentials): UserInfo | undefined | Promise<UserInfo | undefined>;
}

export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/**
 * A client certificate: the common name is the user, the organizations the groups. `trust` where TLS takes certificates
 * of other authorities as well. `shown` is told until when each certificate holds that is believed.
 */
export function clientCertificates({ trust, shown }: { readonly trust?: CertificateTrust | undefined; readonly shown?: ((notAfterMs: number) => void) | undefined } = {}): Authenticator {
  return {
    name: 'x509',
    authenticate({ peer }) {
      if (peer.kind !== 'verified') return undefined;
      if (trust !== undefined && !trust(peer.certificate)) return undefined;
      shown?.(peer.notAfterMs);
      const { commonName, organizations, fingerprintSha256 } = peer.identity;
      return {
        name: commonName,
        groups: [...organizations, 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprintSha256}`] },
      };
    },
  };
}

/** A service account's token. */
export function serviceAccountTokens(issuer: TokenIssuer): Authenticator {
  return {
    name: 'service-account-token',
    async authenticate({ headers }) {
      const token = bearerToken(headers);
      return token === undefined ? undefined : (await issuer.verify(token))?.user;
    },
  };
}

/** Tokens from a file of `token,user,uid,"group1,group2"`. Source: --token-auth-file of kube-apiserver. */
export function staticTokens(users: ReadonlyMap<string, UserInfo>): Authenticator {
  return {
    name: 'token-file',
    authenticate({ headers }) {
      const token = bearerToken(headers);
      return token === undefined ? undefined : users.get(token);
    },
  };
}

/** Whoever has proved who they are belongs to the group of those. */
export function withAuthenticated(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}

/** Asks every authenticator in order. Without credentials the sender is anonymous; with bad ones it is a 401. */
export async function authenticate(authenticators: readonly Authenticator[], credentials: Credentials): Promise<UserInfo> {
  for (const each of authenticators) {
    const answer = each.authenticate(credentials);
    const user = answer instanceof Promise ? await answer : answer;
    if (user !== undefined) return user;
  }
  // A certificate that nobody vouches for is no less wrong than a token.
  if (credentials.peer.kind !== 'none' || bearerToken(credentials.headers) !== undefined) throw unauthorized();
  return anonymousUser;
}

/** The bearer token of a request; WebSocket clients in browsers put it into the protocol list. */
export function bearerToken(headers: RequestHeaders): string | undefined {
  const { authorization } = headers;
  if (typeof authorization === 'string' && /^bearer /i.test(authorization)) return authorization.slice(7).trim();
  const protocols = headers['sec-websocket-protocol'];
  if (typeof protocols !== 'string') return undefined;
  const prefix = 'base64url.bearer.authorization.k8s.io.';
  const carrier = protocols.split(',').map((each) => each.trim()).find((each) => each.startsWith(prefix));
  return carrier === undefined ? undefined : Buffer.from(carrier.slice(prefix.length), 'base64url').toString();
}
