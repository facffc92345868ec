/** Authenticators as the flags ask for them. */
import type { ApiServerOptions } from '#apiserver/api-server.ts';
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
}

/** Throws a `UserError`. */
export async function authenticationOf(
  flags: AuthenticationFlags & Partial<AuthorizationFlags>, certificates: ClusterCertificates, dependencies: Dependencies,
): Promise<Pick<ApiServerOptions, 'serviceAccountKey' | 'serviceAccountIssuer' | 'tokens' | 'authenticators' | 'anonymous' | 'bootstrapTokens'>> {
  const { serviceAccountSigningKeyFile: keyFile, serviceAccountIssuer: issuers = [] } = flags;
  const file = flags.authenticationConfig === undefined ? undefined : await configurationOf(flags, flags.authenticationConfig);
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

function anonymousOf({ anonymousAuth, authorizationMode = [] }: AuthenticationFlags & Partial<AuthorizationFlags>, file: AuthenticationConfiguration | undefined, log: Logger): AnonymousRule | undefined {
  if (file?.anonymous === undefined) {
    if (!anonymousAuth || !authorizationMode.includes('AlwaysAllow')) return anonymousAuth ? undefined : nobodyAnonymous;
    log.info({}, 'AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a different authorizer');
    return nobodyAnonymous;
  }
  if (!file.anonymous.enabled) return nobodyAnonymous;
  const paths = new Set((file.anonymous.conditions ?? []).map(({ path }) => path));
  return paths.size === 0 ? undefined : (path) => paths.has(path);
}

async function configurationOf(flags: AuthenticationFlags, file: string): Promise<AuthenticationConfiguration> {
  if (flags.oidcIssuerUrl !== undefined || flags.oidcClientId !== undefined) throw new UserError('authentication-config file and oidc-* flags are mutually exclusive');
  const { parseAuthenticationConfiguration } = await import('#apiserver/authn/jwt/configuration.ts');
  return parsed('--authentication-config', file, parseAuthenticationConfiguration);
}

async function authenticatorsOf(flags: AuthenticationFlags, file: AuthenticationConfiguration | undefined, dependencies: Dependencies): Promise<readonly Authenticator[]> {
  const found: Authenticator[] = [];
  if (flags.tokenAuthFile !== undefined) found.push(staticTokens(parsed('--token-auth-file', flags.tokenAuthFile, parseTokenFile)));
  const jwt = [...(file?.jwt ?? []), ...oidcOf(flags)];
  if (jwt.length > 0) {
    const { jwtAuthenticator } = await import('#apiserver/authn/jwt/jwt-authenticator.ts');
    const { simpleExpression } = await import('#apiserver/expressions/simple-expressions.ts');
    for (const [index, settings] of jwt.entries()) {
      try {
        found.push(jwtAuthenticator(settings, { ...dependencies, compile: simpleExpression }));
      } catch (error) {
        throw new UserError(`--authentication-config: jwt[${index}].${(error as Error).message}`);
      }
    }
  }
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
