import { decodeJwt, errors, jwtVerify } from 'jose';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Authenticator } from '../authenticate.ts';
import { bearerToken, withAuthenticated } from '../authenticate.ts';
import type { JwtAuthenticator } from './configuration.ts';
import { KeySource } from './key-source.ts';
import type { Claims, CompileExpression } from './map-claims.ts';
import { claimMapper } from './map-claims.ts';

const allAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];

/**
 * Tokens of one issuer, who is asked for his keys. What he did not sign, what is not for us and what the rules refuse is
 * nobody's. Throws a message with the field's path for expressions that do not compile.
 * Source: Kubernetes documentation, "OpenID Connect Tokens"; KEP-3331.
 */
export function jwtAuthenticator(settings: JwtAuthenticator, dependencies: { readonly clock: Clock; readonly log: Logger; readonly compile: CompileExpression }): Authenticator {
  const { issuer, algorithms = allAlgorithms } = settings;
  const { clock, log } = dependencies;
  const mapClaims = claimMapper(settings, dependencies.compile);
  const source = new KeySource({ url: issuer.url, discoveryUrl: issuer.discoveryURL, caPem: issuer.certificateAuthority }, clock);

  const verify = async (token: string): Promise<Claims> => {
    const options = { issuer: issuer.url, audience: [...issuer.audiences], algorithms: [...algorithms], currentDate: new Date(clock.nowMs()) };
    try {
      return (await jwtVerify(token, await source.keys(), options)).payload;
    } catch (error) {
      const fresh = error instanceof errors.JWKSNoMatchingKey ? source.newKeys() : undefined;
      if (fresh === undefined) throw error;
      return (await jwtVerify(token, await fresh, options)).payload;
    }
  };
  return {
    name: 'jwt',
    async authenticate({ headers }) {
      const token = bearerToken(headers);
      if (token === undefined || issuerOf(token) !== issuer.url) return undefined;
      try {
        return withAuthenticated(mapClaims(await verify(token)));
      } catch (error) {
        log.warn({ error, issuer: issuer.url }, 'a token was refused');
        return undefined;
      }
    },
  };
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
