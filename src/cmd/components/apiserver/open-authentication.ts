/** Authenticators as the flags ask for them. */
import type { ApiServerOptions } from '#apiserver/api-server-options.ts';
import { nobodyAnonymous } from '#apiserver/authn/anonymous.ts';
import type { AnonymousRule } from '#apiserver/authn/anonymous.ts';
import type { Authenticator } from '#apiserver/authn/authenticate.ts';
import { staticTokens } from '#apiserver/authn/authenticate.ts';
import type { AuthenticationConfiguration, JwtAuthenticator } from '#apiserver/authn/jwt/configuration.ts';
import type { TokenSettings } from '#apiserver/authn/service-account-tokens.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ClusterCertificates } from '#cluster/certificates.ts';
import { loadServiceAccountKey, loadVerificationKeys } from '#pki/service-account-key.ts';
import { UserError } from '../../fail.ts';
import { parseTokenFile } from '../token-file.ts';
import type { AuthorizationFlags } from './authorization-flags.ts';
import type { AuthenticationFlags } from './authentication-flags.ts';
import { readFlagFile } from './serving-flags.ts';

interface Dependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends what follows files. */
  readonly signal: AbortSignal;
}

/** What the file of the flag --authentication-config says by now. */
interface Configured {
  jwt: readonly Authenticator[];
  anonymous: AuthenticationConfiguration['anonymous'];
}

/** Throws a `UserError`. */
export async function authenticationOf(
  flags: AuthenticationFlags & Partial<AuthorizationFlags>, certificates: ClusterCertificates, dependencies: Dependencies,
): Promise<Pick<ApiServerOptions, 'serviceAccountKey' | 'serviceAccountIssuer' | 'tokens' | 'authenticators' | 'anonymous' | 'bootstrapTokens'>> {
  const { serviceAccountSigningKeyFile: keyFile, serviceAccountIssuer: issuers = [] } = flags;
  const file = flags.authenticationConfig === undefined ? undefined : await configurationOf(flags, flags.authenticationConfig, dependencies);
  const [issuer] = issuers;
  return {
    serviceAccountKey: keyFile === undefined ? certificates.serviceAccountKey : parsed('--service-account-signing-key-file', keyFile, loadServiceAccountKey),
    ...(issuer !== undefined && { serviceAccountIssuer: issuer }),
    tokens: tokensOf(flags),
    authenticators: await authenticatorsOf(flags, file, dependencies),
    anonymous: anonymousOf(flags, file, dependencies.log),
    bootstrapTokens: flags.enableBootstrapTokenAuth,
  };
}

function tokensOf(flags: AuthenticationFlags): TokenSettings {
  const { serviceAccountIssuer: issuers = [], serviceAccountKeyFile: keyFiles = [], serviceAccountMaxTokenExpiration: longestMs, apiAudiences } = flags;
  if (!flags.serviceAccountLookup) throw new UserError('--service-account-lookup=false is not built: tokens hold as long as their account is there');
  if (longestMs !== undefined && longestMs !== 0 && (longestMs < 3_600_000 || longestMs > 2 ** 32 * 1000)) throw new UserError('the service-account-max-token-expiration must be between 1 hour and 2^32 seconds');
  return {
    moreIssuers: issuers.slice(1),
    moreKeys: keyFiles.flatMap((file) => parsed('--service-account-key-file', file, loadVerificationKeys)),
    ...(apiAudiences !== undefined && apiAudiences.length > 0 && { audiences: apiAudiences }),
    ...(longestMs !== undefined && longestMs > 0 && { maxSeconds: Math.floor(longestMs / 1000) }),
    extendsTokens: flags.serviceAccountExtendTokenExpiration,
    ...(flags.serviceAccountJwksUri !== undefined && { jwksUri: flags.serviceAccountJwksUri }),
  };
}

/** Nobody is anonymous where everything is allowed, as in the original. */
function anonymousOf({ anonymousAuth, authorizationMode = [] }: AuthenticationFlags & Partial<AuthorizationFlags>, file: Configured | undefined, log: Logger): AnonymousRule | undefined {
  const isReset = anonymousAuth && file?.anonymous === undefined && authorizationMode.includes('AlwaysAllow');
  if (isReset) log.info({}, 'AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a different authorizer');
  const byFlags = anonymousAuth && !isReset;
  if (file === undefined) return byFlags ? undefined : nobodyAnonymous;
  return (path) => {
    const { enabled = byFlags, conditions = [] } = file.anonymous ?? {};
    return enabled && (conditions.length === 0 || conditions.some((each) => each.path === path));
  };
}

async function configurationOf(flags: AuthenticationFlags, file: string, dependencies: Dependencies): Promise<Configured> {
  if (flags.oidcIssuerUrl !== undefined || flags.oidcClientId !== undefined) throw new UserError('authentication-config file and oidc-* flags are mutually exclusive');
  const { parseAuthenticationConfiguration } = await import('#apiserver/authn/jwt/configuration.ts');
  const { followFile } = await import('#serving/follow-file.ts');
  const { clock, log, signal } = dependencies;
  const read = async (): Promise<Configured> => {
    const { jwt, anonymous } = parsed('--authentication-config', file, parseAuthenticationConfiguration);
    return { jwt: await jwtAuthenticators(jwt, dependencies), anonymous };
  };
  const current = await read();
  const change = async (): Promise<void> => {
    try {
      Object.assign(current, await read());
      log.info({ file }, 'the authentication configuration has changed');
    } catch (error) {
      log.error({ error, file }, 'the new authentication configuration does not hold; the old one stays');
    }
  };
  followFile(file, { clock, signal, changed: () => void change(), failed: (error) => log.error({ error, file }, 'the authentication configuration can no longer be followed') });
  return current;
}

/** Throws a `UserError` for expressions that do not compile. */
async function jwtAuthenticators(issuers: readonly JwtAuthenticator[], dependencies: Dependencies): Promise<readonly Authenticator[]> {
  if (issuers.length === 0) return [];
  const { jwtAuthenticator } = await import('#apiserver/authn/jwt/jwt-authenticator.ts');
  const { simpleExpression } = await import('#apiserver/expressions/simple-expressions.ts');
  return issuers.map((settings, index) => {
    try {
      return jwtAuthenticator(settings, { ...dependencies, compile: simpleExpression });
    } catch (error) {
      throw new UserError(`--authentication-config: jwt[${index}].${(error as Error).message}`);
    }
  });
}

/** Those of the moment, as one. */
function configured(current: Configured): Authenticator {
  return {
    name: 'jwt',
    async authenticate(credentials) {
      for (const each of current.jwt) {
        const user = await each.authenticate(credentials);
        if (user !== undefined) return user;
      }
      return undefined;
    },
  };
}

async function authenticatorsOf(flags: AuthenticationFlags, file: Configured | undefined, dependencies: Dependencies): Promise<readonly Authenticator[]> {
  const found: Authenticator[] = [];
  if (flags.tokenAuthFile !== undefined) found.push(staticTokens(parsed('--token-auth-file', flags.tokenAuthFile, parseTokenFile)));
  if (file !== undefined) found.push(configured(file));
  found.push(...(await jwtAuthenticators(oidcOf(flags), dependencies)));
  const { authenticationTokenWebhookConfigFile: webhookFile } = flags;
  if (webhookFile !== undefined) {
    const { tokenWebhook } = await import('#apiserver/authn/token-webhook.ts');
    const { openKubeconfigWebhook } = await import('#apiserver/webhooks/kubeconfig-webhook.ts');
    try {
      const webhook = openKubeconfigWebhook(webhookFile, dependencies);
      found.push(tokenWebhook({ webhook, version: flags.authenticationTokenWebhookVersion === 'v1' ? 'v1' : 'v1beta1', ttlMs: flags.authenticationTokenWebhookCacheTtl ?? 120_000, audiences: flags.apiAudiences, ...dependencies }));
    } catch (error) {
      throw new UserError(`--authentication-token-webhook-config-file: ${webhookFile}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** The flags of OpenID Connect say the same as a file with one issuer. */
function oidcOf(flags: AuthenticationFlags): readonly JwtAuthenticator[] {
  const { oidcIssuerUrl: url, oidcClientId: clientId } = flags;
  if ((url === undefined) !== (clientId === undefined)) throw new UserError('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set');
  if (url === undefined || clientId === undefined) return [];
  if (!url.startsWith('https://')) throw new UserError(`--oidc-issuer-url: ${JSON.stringify(url)}: URL scheme must be https`);
  const claim = flags.oidcUsernameClaim ?? 'sub';
  const prefix = flags.oidcUsernamePrefix === '-' ? '' : (flags.oidcUsernamePrefix ?? (claim === 'email' ? '' : `${url}#`));
  return [{
    issuer: { url, audiences: [clientId], ...(flags.oidcCaFile !== undefined && { certificateAuthority: readFlagFile('--oidc-ca-file', flags.oidcCaFile) }) },
    claimMappings: { username: { claim, prefix }, ...(flags.oidcGroupsClaim !== undefined && { groups: { claim: flags.oidcGroupsClaim, prefix: flags.oidcGroupsPrefix ?? '' } }) },
    claimValidationRules: Object.entries(flags.oidcRequiredClaim ?? {}).map(([name, requiredValue]) => ({ claim: name, requiredValue })),
    algorithms: flags.oidcSigningAlgs ?? ['RS256'],
  }];
}

/** What a file says. Throws a `UserError` with the flag and the file in it. */
function parsed<T>(flag: string, file: string, parse: (text: string) => T): T {
  const text = readFlagFile(flag, file);
  try {
    return parse(text);
  } catch (error) {
    throw new UserError(`${flag}: ${file}: ${(error as Error).message}`, { cause: error instanceof Error ? error.cause : undefined });
  }
}
