/** Who users are: certificates, tokens, front proxies. */
import { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, durationOption, listOption, notBuilt, switchOption, textOption } from '../flags.ts';

export interface AuthenticationFlags {
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  readonly anonymousAuth: boolean;
  readonly apiAudiences?: readonly string[];
  readonly enableBootstrapTokenAuth: boolean;
  readonly authenticationConfig?: string;
  readonly authenticationTokenWebhookConfigFile?: string;
  readonly authenticationTokenWebhookCacheTtl?: number;
  readonly authenticationTokenWebhookVersion: string;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcCaFile?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcRequiredClaim?: Readonly<Record<string, string>>;
  readonly oidcSigningAlgs?: readonly string[];
  readonly serviceAccountIssuer?: readonly string[];
  readonly serviceAccountKeyFile?: readonly string[];
  readonly serviceAccountSigningKeyFile?: string;
  readonly serviceAccountLookup: boolean;
  readonly serviceAccountMaxTokenExpiration?: number;
  readonly serviceAccountExtendTokenExpiration: boolean;
  readonly serviceAccountJwksUri?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames: readonly string[];
  readonly requestheaderUsernameHeaders: readonly string[];
  readonly requestheaderUidHeaders: readonly string[];
  readonly requestheaderGroupHeaders: readonly string[];
  readonly requestheaderExtraHeadersPrefix: readonly string[];
}

export const authenticationFlags: FlagGroup = {
  title: 'Authentication:',
  options: [
    textOption('--client-ca-file <file>', 'authorities of client certificates'),
    textOption('--token-auth-file <file>', 'static tokens: token,user,uid,"groups"'),
    switchOption('--anonymous-auth', 'requests without credentials are those of system:anonymous', true),
    listOption('--api-audiences <audiences>', 'what service-account tokens have to be for (default: the issuer)'),
    switchOption('--enable-bootstrap-token-auth', 'take tokens of Secrets of type bootstrap.kubernetes.io/token in kube-system', false),
    textOption('--authentication-config <file>', 'issuers of JSON Web Tokens, and who may be anonymous: an AuthenticationConfiguration'),
    textOption('--authentication-token-webhook-config-file <file>', 'a kubeconfig of the service that knows tokens'),
    durationOption('--authentication-token-webhook-cache-ttl <duration>', 'how long its answers are remembered (default: 2m)'),
    new Option('--authentication-token-webhook-version <version>', 'version of TokenReview: v1 or v1beta1').argParser(reviewVersion).default('v1beta1'),
    textOption('--oidc-issuer-url <url>', 'an OpenID Connect issuer, https only'),
    textOption('--oidc-client-id <id>', 'what its tokens have to be for'),
    textOption('--oidc-ca-file <file>', 'authority of its certificate'),
    textOption('--oidc-username-claim <claim>', 'the claim with the name of the user (default: sub)'),
    textOption('--oidc-username-prefix <prefix>', 'put before names; "-" for nothing (default: the issuer, but for email)'),
    textOption('--oidc-groups-claim <claim>', 'the claim with groups'),
    textOption('--oidc-groups-prefix <prefix>', 'put before groups'),
    new Option('--oidc-required-claim <claim=value>', 'what has to be in the token; may be given several times').argParser(claimPairs),
    listOption('--oidc-signing-algs <algorithms>', 'how tokens may be signed (default: RS256)'),
    new Option('--service-account-issuer <url>', 'iss of tokens; further ones are believed, not issued').argParser((given: string, before: readonly string[] | undefined) => (given === '' ? before : [...(before ?? []), given])),
    new Option('--service-account-key-file <file>', 'public or private keys that verify tokens, or certificates; may be given several times').argParser((given: string, before: readonly string[] | undefined) => (given === '' ? before : [...(before ?? []), given])),
    textOption('--service-account-signing-key-file <file>', 'signs tokens'),
    switchOption('--service-account-lookup', 'tokens hold as long as their account is there; this cannot be switched off', true),
    durationOption('--service-account-max-token-expiration <duration>', 'longest life of a token'),
    switchOption('--service-account-extend-token-expiration', 'tokens that pods get live a year, for clients that never read them again', true),
    textOption('--service-account-jwks-uri <url>', 'where the keys are, for the discovery document of the issuer'),
    notBuilt('--service-account-signing-endpoint <socket>', 'signing tokens elsewhere'),
    textOption('--requestheader-client-ca-file <file>', 'authority of the proxies that speak for users in headers; API servers behind this one check it by the same'),
    listOption('--requestheader-allowed-names <names>', 'common names of such proxies (default: any)', []),
    listOption('--requestheader-username-headers <headers>', 'headers with the name of the user, commonly X-Remote-User', []),
    listOption('--requestheader-uid-headers <headers>', 'headers with the UID, commonly X-Remote-Uid', []),
    listOption('--requestheader-group-headers <headers>', 'headers with groups, commonly X-Remote-Group', []),
    listOption('--requestheader-extra-headers-prefix <prefixes>', 'what headers with extras start with, commonly X-Remote-Extra-', []),
    alreadySo('--authentication-skip-lookup [bool]', 'the API server looks up nothing elsewhere'),
    alreadySo('--authentication-tolerate-lookup-failure [bool]', 'the API server looks up nothing elsewhere'),
  ],
};

function reviewVersion(text: string): string {
  if (text !== 'v1' && text !== 'v1beta1') throw new InvalidArgumentError('It is v1 or v1beta1.');
  return text;
}

function claimPairs(text: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  const added = text.split(',').filter((each) => each !== '').map((each) => {
    const at = each.indexOf('=');
    if (at < 1) throw new InvalidArgumentError('Claims are written like claim=value.');
    return [each.slice(0, at).trim(), each.slice(at + 1).trim()] as const;
  });
  return added.length === 0 ? before : { ...before, ...Object.fromEntries(added) };
}
