import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { Secret } from '#api/core/secret.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { Authenticator } from './authenticate.ts';
import { bearerToken, withAuthenticated } from './authenticate.ts';

const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Tokens by which new nodes ask for their certificate: `id.secret`, each of a Secret in kube-system.
 * Source: Kubernetes documentation, "Authenticating with Bootstrap Tokens".
 */
export function bootstrapTokens({ objects, clock }: { readonly objects: ObjectReader; readonly clock: Clock }): Authenticator {
  return {
    name: 'bootstrap-token',
    authenticate({ headers }) {
      const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(bearerToken(headers) ?? '') ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const found = objects.get(Secret, `bootstrap-token-${id}`, 'kube-system');
      if (found === undefined || found.type !== 'bootstrap.kubernetes.io/token' || found.metadata.deletionTimestamp !== undefined) return undefined;
      const value = (key: string): string => Buffer.from(found.data?.[key] ?? '', 'base64').toString();
      if (!isSame(value('token-secret'), secret) || value('token-id') !== id || value('usage-bootstrap-authentication') !== 'true') return undefined;
      const expiration = value('expiration');
      if (expiration !== '' && !(Date.parse(expiration) > clock.nowMs())) return undefined;
      const groups = value('auth-extra-groups').split(',').filter((each) => each !== '');
      if (!groups.every((group) => groupPattern.test(group))) return undefined;
      return withAuthenticated({ name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...groups] });
    },
  };
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
