/** Issuers of tokens and what their claims mean. Source: API reference, apiserver.config.k8s.io/v1 AuthenticationConfiguration. */
import { parse } from 'yaml';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError, duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';

export interface JwtAuthenticator {
  readonly issuer: {
    readonly url: string;
    readonly discoveryURL?: string;
    readonly certificateAuthority?: string;
    readonly audiences: readonly string[];
    readonly audienceMatchPolicy?: string;
  };
  readonly claimValidationRules?: readonly { readonly claim?: string; readonly requiredValue?: string; readonly expression?: string; readonly message?: string }[];
  readonly claimMappings: {
    readonly username: PrefixedClaim;
    readonly groups?: PrefixedClaim;
    readonly uid?: { readonly claim?: string; readonly expression?: string };
    readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[];
  };
  readonly userValidationRules?: readonly { readonly expression: string; readonly message?: string }[];
  /** How tokens may be signed; only flags say so. */
  readonly algorithms?: readonly string[];
}

export interface PrefixedClaim {
  readonly claim?: string;
  readonly prefix?: string;
  readonly expression?: string;
}

export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtAuthenticator[];
  /** Undefined: as the flag says. */
  readonly anonymous?: { readonly enabled: boolean; readonly conditions?: readonly { readonly path: string }[] } | undefined;
}

const versions = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'];

/** Throws a message that names the fields. */
export function parseAuthenticationConfiguration(text: string): AuthenticationConfiguration {
  const document = (parse(text) ?? {}) as Partial<AuthenticationConfiguration> & { readonly kind?: string; readonly apiVersion?: string };
  if (document.kind !== 'AuthenticationConfiguration' || !versions.includes(document.apiVersion ?? '')) throw new Error(`no kind ${JSON.stringify(document.kind ?? '')} is registered for version ${JSON.stringify(document.apiVersion ?? '')}`);
  const jwt = document.jwt ?? [];
  const errors = [...jwtErrors(jwt), ...anonymousErrors(document.anonymous)];
  if (errors.length > 0) throw new Error(errors.map(describeFieldError).join(', '));
  return { jwt, anonymous: document.anonymous };
}

export function* jwtErrors(jwt: readonly JwtAuthenticator[]): Iterable<FieldError> {
  const urls = new Set<string>();
  for (const [index, each] of jwt.entries()) {
    const path = `jwt[${index}]`;
    yield* issuerErrors(each.issuer, `${path}.issuer`);
    const url = (each.issuer as JwtAuthenticator['issuer'] | undefined)?.url ?? '';
    if (urls.has(url)) yield duplicate(`${path}.issuer.url`, url);
    urls.add(url);
    for (const [at, { claim = '', expression = '' }] of (each.claimValidationRules ?? []).entries()) {
      if (claim === '' && expression === '') yield required(`${path}.claimValidationRules[${at}]`, 'claim or expression is required');
      if (claim !== '' && expression !== '') yield invalidValue(`${path}.claimValidationRules[${at}]`, claim, 'claim and expression can\'t both be set');
    }
    yield* mappingErrors(each.claimMappings, `${path}.claimMappings`);
    for (const [at, { expression = '' }] of ((each.userValidationRules ?? []) as readonly { expression?: string }[]).entries()) if (expression === '') yield required(`${path}.userValidationRules[${at}].expression`, 'expression is required');
  }
}

function* issuerErrors(issuer: Partial<JwtAuthenticator['issuer']> | undefined, path: string): Iterable<FieldError> {
  const { url = '', discoveryURL, audiences = [], audienceMatchPolicy = '' } = issuer ?? {};
  yield* urlErrors(url, `${path}.url`);
  if (discoveryURL !== undefined && discoveryURL !== '') {
    yield* urlErrors(discoveryURL, `${path}.discoveryURL`);
    if (discoveryURL.replace(/\/+$/, '') === url.replace(/\/+$/, '')) yield invalidValue(`${path}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL');
  }
  if (audiences.length === 0) yield required(`${path}.audiences`, 'at least one jwt[*].issuer.audiences is required');
  for (const [at, audience] of audiences.entries()) if (audience === '') yield required(`${path}.audiences[${at}]`, 'audience can\'t be empty');
  if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny') yield invalidValue(`${path}.audienceMatchPolicy`, audienceMatchPolicy, 'audienceMatchPolicy must be MatchAny for multiple audiences');
  if (audienceMatchPolicy !== '' && audienceMatchPolicy !== 'MatchAny') yield notSupported(`${path}.audienceMatchPolicy`, audienceMatchPolicy, ['MatchAny']);
}

function* urlErrors(url: string, path: string): Iterable<FieldError> {
  if (url === '') {
    yield required(path, 'URL is required');
    return;
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) yield invalidValue(path, url, 'URL cannot be parsed');
  else if (parsed.protocol !== 'https:') yield invalidValue(path, url, 'URL scheme must be https');
  else if (parsed.username !== '') yield invalidValue(path, url, 'URL must not contain a username or password');
  else if (parsed.search !== '') yield invalidValue(path, url, 'URL must not contain a query');
  else if (parsed.hash !== '') yield invalidValue(path, url, 'URL must not contain a fragment');
}

function* mappingErrors(mappings: Partial<JwtAuthenticator['claimMappings']> | undefined, path: string): Iterable<FieldError> {
  const { username, groups, uid, extra = [] } = mappings ?? {};
  if ((username?.claim ?? '') === '' && (username?.expression ?? '') === '') yield required(`${path}.username`, 'claim or expression is required');
  for (const [name, claim] of [['username', username], ['groups', groups]] as const) {
    if (claim === undefined) continue;
    if ((claim.claim ?? '') !== '' && (claim.expression ?? '') !== '') yield invalidValue(`${path}.${name}`, claim.claim, 'claim and expression can\'t both be set');
    if ((claim.expression ?? '') !== '' && claim.prefix !== undefined) yield invalidValue(`${path}.${name}.prefix`, claim.prefix, 'prefix can\'t be set when expression is set');
    if ((claim.claim ?? '') !== '' && claim.prefix === undefined) yield required(`${path}.${name}.prefix`, 'prefix is required when claim is set. It can be set to an empty string to disable prefixing');
  }
  if ((uid?.claim ?? '') !== '' && (uid?.expression ?? '') !== '') yield invalidValue(`${path}.uid`, uid?.claim, 'claim and expression can\'t both be set');
  for (const [at, { key = '', valueExpression = '' }] of (extra as readonly { key?: string; valueExpression?: string }[]).entries()) {
    if (key === '') yield required(`${path}.extra[${at}].key`);
    else if (!key.includes('/')) yield invalidValue(`${path}.extra[${at}].key`, key, 'must be a domain-prefixed path (such as "acme.io/foo")');
    if (valueExpression === '') yield required(`${path}.extra[${at}].valueExpression`, 'valueExpression is required');
  }
}

function* anonymousErrors(anonymous: AuthenticationConfiguration['anonymous']): Iterable<FieldError> {
  if (anonymous !== undefined && !anonymous.enabled && (anonymous.conditions ?? []).length > 0) yield forbiddenField('anonymous.conditions', 'enabled should be set to true when conditions are defined');
}
