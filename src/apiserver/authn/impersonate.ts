import { internalError } from '#apimachinery/status-error.ts';
import type { RequestHeaders } from '#serving/exchange.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { decideFully, refusal } from '../authz/authorizer.ts';
import { accountOf, constrainedUser } from './constrained-impersonation.ts';
import type { UserInfo } from '../request/api-call.ts';
import { anonymousUser } from './authenticate.ts';

const extraPrefix = 'impersonate-extra-';

/** Who a request is made as. */
export interface Acting {
  readonly user: UserInfo;
  /** The verb that allowed it, where that allows it for certain requests only. */
  readonly constraint?: string;
}

/**
 * The user that a request asks to act as by its `Impersonate-` headers; the sender itself when there are none. `asked` says
 * what the request wants, should that matter. Throws a 403 when the sender may not, a 500 when groups or extras are named
 * without a user, as upstream does.
 * Source: Kubernetes documentation, "Authenticating: user impersonation"; KEP-5284.
 */
export function impersonated(authorizers: readonly Authorizer[], sender: UserInfo, headers: RequestHeaders, asked: () => Attributes): Acting | Promise<Acting> {
  const name = one(headers['impersonate-user']);
  const given = many(headers['impersonate-group']);
  const uid = one(headers['impersonate-uid']);
  if (name === '') {
    if (given.length > 0 || uid !== '') throw internalError(new Error('requested groups or a UID without impersonating a user'));
    return { user: sender };
  }
  return allowed(authorizers, asked(), { name, given, uid, extra: extrasOf(headers) });
}

/** Whom somebody wants to act as. */
export interface Impersonation {
  readonly name: string;
  readonly given: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

async function allowed(authorizers: readonly Authorizer[], asked: Attributes, wanted: Impersonation): Promise<Acting> {
  const { name, given, uid, extra } = wanted;
  const sender = asked.user;
  const constrained = await constrainedUser(authorizers, asked, wanted);
  if (constrained !== undefined) return { user: { ...constrained.user, groups: completeGroups(name, constrained.user.groups, undefined) }, constraint: constrained.verb };
  const account = accountOf(name);
  await allow(account === undefined ? { resource: 'users', name } : { resource: 'serviceaccounts', ...account });
  for (const group of given) await allow({ resource: 'groups', name: group });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) await allow({ group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value });
  }
  if (uid !== '') await allow({ group: 'authentication.k8s.io', resource: 'uids', name: uid });
  return { user: { name, groups: completeGroups(name, given, account?.namespace), ...(uid !== '' && { uid }), ...(Object.keys(extra).length > 0 && { extra }) } };

  async function allow(what: Partial<Attributes>): Promise<void> {
    const attributes: Attributes = {
      user: sender, verb: 'impersonate', isResource: true, path: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '', ...what,
    };
    const decision = await decideFully(authorizers, attributes);
    if (decision.verdict !== 'allow') throw refusal(attributes, decision);
  }
}

/** Whoever is named is authenticated; a service account without groups has those of its kind. */
function completeGroups(name: string, given: readonly string[], accountNamespace: string | undefined): readonly string[] {
  const own = given.length === 0 && accountNamespace !== undefined ? ['system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`] : given;
  if (own.includes('system:authenticated') || own.includes('system:unauthenticated')) return own;
  return [...own, name === anonymousUser.name ? 'system:unauthenticated' : 'system:authenticated'];
}

function extrasOf(headers: RequestHeaders): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith(extraPrefix)) extra[decodeURIComponent(header.slice(extraPrefix.length))] = many(value);
  }
  return extra;
}

function one(header: string | string[] | undefined): string {
  return (typeof header === 'string' ? header : header?.[0]) ?? '';
}

/** A header that may come several times; Node joins what does. */
function many(header: string | string[] | undefined): string[] {
  return header === undefined ? [] : [header].flat().flatMap((each) => each.split(', ')).filter((each) => each !== '');
}
