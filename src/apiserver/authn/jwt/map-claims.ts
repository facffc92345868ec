/** From the claims of a token to a user. Pure. Source: KEP-3331, "Structured Authentication Configuration". */
import type { SimpleExpression } from '../../expressions/simple-expressions.ts';
import type { UserInfo } from '../../request/api-call.ts';
import type { JwtAuthenticator, PrefixedClaim } from './configuration.ts';

/** Compiles an expression over the names given; throws a message when it is none. */
export type CompileExpression = (source: string, names: readonly string[], result?: 'bool' | 'string') => SimpleExpression;
export type Claims = Readonly<Record<string, unknown>>;
/** Throws why the claims are not accepted. */
export type MapClaims = (claims: Claims) => UserInfo;

/** Throws a message with the field's path for expressions that do not compile. */
export function claimMapper(authenticator: JwtAuthenticator, compile: CompileExpression): MapClaims {
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = authenticator;
  const over = (path: string, source: string, names: readonly string[], result?: 'bool' | 'string'): SimpleExpression => {
    try {
      return compile(source, names, result);
    } catch (error) {
      throw new Error(`${path}: Invalid value: ${JSON.stringify(source)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const ofClaims = (path: string, { expression = '' }: { readonly expression?: string | undefined }): SimpleExpression | undefined => (expression === '' ? undefined : over(`claimMappings.${path}.expression`, expression, ['claims']));
  const mapped = { username: ofClaims('username', claimMappings.username), groups: ofClaims('groups', claimMappings.groups ?? {}), uid: ofClaims('uid', claimMappings.uid ?? {}) };
  const extras = (claimMappings.extra ?? []).map(({ key, valueExpression }, index) => ({ key, value: over(`claimMappings.extra[${index}].valueExpression`, valueExpression, ['claims']) }));
  const claimRules = claimValidationRules.map(({ claim, requiredValue = '', expression = '', message }, index) => ({ claim, requiredValue, message, expression: expression === '' ? undefined : over(`claimValidationRules[${index}].expression`, expression, ['claims'], 'bool'), source: expression }));
  const userRules = userValidationRules.map(({ expression, message }, index) => ({ message, source: expression, expression: over(`userValidationRules[${index}].expression`, expression, ['user'], 'bool') }));

  return (claims) => {
    for (const { claim, requiredValue, expression, source, message } of claimRules) {
      if (expression !== undefined && expression({ claims }) !== true) throw new Error(message ?? `validation expression '${source}' failed`);
      if (claim !== undefined && claim !== '' && claims[claim] !== requiredValue) throw new Error(`claim ${claim} value does not match. Got = ${JSON.stringify(claims[claim])}, want = ${JSON.stringify(requiredValue)}`);
    }
    const name = mapped.username === undefined ? usernameOf(claims, claimMappings.username) : textOf(mapped.username({ claims }), 'username');
    if (name === '') throw new Error('username claim is empty');
    const groups = mapped.groups === undefined ? groupsOf(claims, claimMappings.groups) : textsOf(mapped.groups({ claims }), 'groups');
    const uid = mapped.uid === undefined ? claimText(claims, claimMappings.uid?.claim) : textOf(mapped.uid({ claims }), 'uid');
    const extra = Object.fromEntries(extras.flatMap(({ key, value }) => {
      const values = textsOf(value({ claims }), key);
      return values.length === 0 ? [] : [[key, values]];
    }));
    const jti = claims['jti'];
    const user: UserInfo = {
      name, groups, ...(uid !== '' && { uid }),
      ...((extras.length > 0 || typeof jti === 'string') && { extra: { ...extra, ...(typeof jti === 'string' && jti !== '' && { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }) } }),
    };
    for (const { expression, message, source } of userRules) {
      const seen = { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} };
      if (expression({ user: seen }) !== true) throw new Error(message ?? `validation expression '${source}' failed`);
    }
    return user;
  };
}

function usernameOf(claims: Claims, { claim = '', prefix = '' }: PrefixedClaim): string {
  const name = claimText(claims, claim);
  if (claims[claim] === undefined) throw new Error(`oidc: parse username claims ${JSON.stringify(claim)}: claim not present`);
  // An address that nobody has confirmed is no name.
  if (claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true) throw new Error('oidc: email not verified');
  return `${prefix}${name}`;
}

function groupsOf(claims: Claims, mapping: PrefixedClaim | undefined): readonly string[] {
  const value = mapping?.claim === undefined || mapping.claim === '' ? undefined : claims[mapping.claim];
  if (value === undefined || value === null) return [];
  return textsOf(value, mapping?.claim ?? '').map((group) => `${mapping?.prefix ?? ''}${group}`);
}

function claimText(claims: Claims, name: string | undefined): string {
  if (name === undefined || name === '' || claims[name] === undefined) return '';
  return textOf(claims[name], name);
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is no text`);
  return value;
}

/** One text or several; of nothing, none. */
function textsOf(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map((each) => textOf(each, what)).filter((each) => each !== '');
}
