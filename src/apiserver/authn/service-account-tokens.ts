import type { JWTPayload } from 'jose';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { ServiceAccountKey, VerificationKey } from '#pki/service-account-key.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { UserInfo } from '../request/api-call.ts';

export interface TokenRequestInput {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly seconds: number;
  /** When the holder should have fetched a new one. */
  readonly warnAfterSeconds: number;
  readonly bound: BoundObject | undefined;
}
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
  readonly node?: { readonly name: string; readonly uid?: string };
}

/** Signs service-account tokens and checks them. */
export interface TokenIssuer {
  readonly issuer: string;
  /** What tokens are good for when nobody says otherwise: this API server. */
  readonly audiences: readonly string[];
  readonly settings: TokenSettings;
  /** Every key that tokens are believed by; the first one signs. */
  readonly keys: readonly VerificationKey[];
  issue(input: TokenRequestInput): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  /** The account a token speaks for; undefined when it is not one of ours, has run out, or what it is bound to is gone. */
  verify(token: string, audiences?: readonly string[]): Promise<{ readonly user: UserInfo; readonly audiences: readonly string[] } | undefined>;
}

/** What is believed and issued beside the usual. */
export interface TokenSettings {
  /** Further issuers whose tokens are believed. */
  readonly moreIssuers?: readonly string[];
  /** Further keys that tokens may be signed with. */
  readonly moreKeys?: readonly VerificationKey[];
  /** What tokens have to be for. Default: the issuer. */
  readonly audiences?: readonly string[];
  /** Tokens live no longer, whatever is asked. */
  readonly maxSeconds?: number;
  /** Whether tokens that pods get live longer than they ask. Default: they do. */
  readonly extendsTokens?: boolean;
  /** Where the keys are, for the discovery document. Default: at the issuer. */
  readonly jwksUri?: string;
}

interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid?: string };
  readonly warnafter?: number;
}

/** How many verified tokens are remembered: one per pod of a large node pool, a few hundred bytes each. */
const maxRemembered = 10_000;

/**
 * Tokens as Kubernetes issues them: JWTs with the claim `kubernetes.io`, bound to objects that must still exist.
 * Source: Kubernetes documentation, "Managing Service Accounts: bound service account tokens"; KEP-1205, KEP-4193.
 */
export function createTokenIssuer(options: {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly key: ServiceAccountKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: () => ObjectReader;
} & TokenSettings): TokenIssuer {
  const { issuer, audiences, key, clock, random, moreIssuers = [], moreKeys = [] } = options;
  const issuers = [issuer, ...moreIssuers];
  const keys: readonly VerificationKey[] = [key, ...moreKeys.filter(({ keyId }) => keyId !== key.keyId)];
  const verified = new Map<string, JWTPayload>();

  async function payloadOf(token: string): Promise<JWTPayload | undefined> {
    const known = verified.get(token);
    if (known !== undefined) return known;
    const { decodeProtectedHeader, jwtVerify } = await import('jose');
    for (const each of fitting(() => decodeProtectedHeader(token), keys)) {
      try {
        const { payload } = await jwtVerify(token, each.publicKey, { issuer: issuers, algorithms: [each.algorithm], currentDate: new Date(clock.nowMs()) });
        if (verified.size >= maxRemembered) verified.clear();
        verified.set(token, payload);
        return payload;
      } catch {
        // Another key may have signed it.
      }
    }
    return undefined;
  }

  return {
    issuer,
    audiences,
    settings: options,
    keys,
    async issue({ namespace, serviceAccount, audiences: wanted, seconds, warnAfterSeconds, bound }) {
      const now = Math.floor(clock.nowMs() / 1000);
      const claims: KubernetesClaims = {
        namespace,
        serviceaccount: serviceAccount,
        ...(bound !== undefined && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        ...(bound?.node !== undefined && { node: bound.node }),
        ...(warnAfterSeconds < seconds && { warnafter: now + warnAfterSeconds }),
      };
      const { SignJWT } = await import('jose');
      const token = await new SignJWT({ 'kubernetes.io': claims })
        .setProtectedHeader({ alg: key.algorithm, kid: key.keyId })
        .setIssuer(issuer)
        .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
        .setAudience([...wanted])
        .setJti(random.uuid())
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + seconds)
        .sign(key.privateKey);
      return { token, expiresAtMs: (now + seconds) * 1000 };
    },
    async verify(token, wanted = audiences) {
      const payload = await payloadOf(token);
      if (payload === undefined || (payload.exp ?? 0) * 1000 <= clock.nowMs()) return undefined;
      const given = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []);
      const shared = wanted.filter((each) => given.includes(each));
      const claims = payload['kubernetes.io'] as KubernetesClaims | undefined;
      if (shared.length === 0 || claims === undefined || !standsFor(options.objects(), claims)) return undefined;
      return { user: userOf(claims, payload.jti), audiences: shared };
    },
  };
}

/** The keys that may have signed a token: the one it names or, where it names none that is known, all. */
function fitting(header: () => { readonly kid?: string | undefined }, keys: readonly VerificationKey[]): readonly VerificationKey[] {
  if (keys.length === 1) return keys;
  try {
    const { kid } = header();
    const named = keys.filter(({ keyId }) => keyId === kid);
    return named.length === 0 ? keys : named;
  } catch {
    return [];
  }
}

/** Whether the account and what the token is bound to are still the ones it was made for. */
function standsFor(objects: ObjectReader, { namespace, serviceaccount, pod, secret, node }: KubernetesClaims): boolean {
  if (objects.get(ServiceAccount, serviceaccount.name, namespace)?.metadata.uid !== serviceaccount.uid) return false;
  if (pod !== undefined && objects.get(Pod, pod.name, namespace)?.metadata.uid !== pod.uid) return false;
  if (secret !== undefined && objects.get(Secret, secret.name, namespace)?.metadata.uid !== secret.uid) return false;
  if (pod === undefined && node?.uid !== undefined && objects.get(Node, node.name)?.metadata.uid !== node.uid) return false;
  return true;
}

function userOf({ namespace, serviceaccount, pod, node }: KubernetesClaims, jti: string | undefined): UserInfo {
  const extra: Record<string, string[]> = {};
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  if (jti !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra,
  };
}
