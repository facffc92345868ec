/**
 * Acting as somebody else for certain requests only: the sender needs the verb `impersonate:<mode>` on whom it names and
 * `impersonate-on:<mode>:<verb>` on what it asks for.
 *
 * Source: KEP-5284, constrained impersonation (on by default since v1.36).
 */
import { dns1123Subdomain } from '#apimachinery/names.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { decideFully } from '../authz/authorizer.ts';
import type { Impersonation } from './impersonate.ts';

type Mode = 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info';

/** Whom the sender may act as in this request, by the first mode that allows it; undefined: by none. */
export async function constrainedUser(authorizers: readonly Authorizer[], asked: Attributes, wanted: Impersonation): Promise<{ readonly user: UserInfo; readonly verb: string } | undefined> {
  for (const mode of modesOf(asked.user, wanted)) {
    if (await mayAct(authorizers, mode, asked, wanted)) return { user: userOf(wanted), verb: `impersonate:${mode}` };
  }
  return undefined;
}

/** The modes that this wish can fall under. Of nodes and service accounts nothing but the name is the sender's to say. */
function modesOf(sender: UserInfo, { name, given, uid, extra }: Impersonation): readonly Mode[] {
  const isNameOnly = given.length === 0 && uid === '' && Object.keys(extra).length === 0;
  const node = nodeOf(name);
  if (node !== undefined) {
    if (!isNameOnly) return [];
    const runsOn = sender.extra?.['authentication.kubernetes.io/node-name'] ?? [];
    const isAssociated = accountOf(sender.name) !== undefined && runsOn.length === 1 && runsOn[0] === node;
    return isAssociated ? ['associated-node', 'arbitrary-node'] : ['arbitrary-node'];
  }
  if (accountOf(name) !== undefined) return isNameOnly ? ['serviceaccount'] : [];
  return isPlain(given, extra) ? ['user-info'] : [];
}

/** What nobody gets this way: all rights at once, and what has no name. */
function isPlain(groups: readonly string[], extra: Impersonation['extra']): boolean {
  if (groups.includes('') || groups.includes('system:masters')) return false;
  return Object.entries(extra).every(([key, values]) => key !== '' && key === key.toLowerCase() && values.length > 0 && !values.includes(''));
}

async function mayAct(authorizers: readonly Authorizer[], mode: Mode, asked: Attributes, { name, given, uid, extra }: Impersonation): Promise<boolean> {
  // Of a node's own agents only that they are such counts, not on which node they run.
  const sender = mode === 'associated-node' ? { ...asked.user, extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(asked.user.extra ?? {}).sort() } } : asked.user;
  const isAllowed = async (attributes: Attributes): Promise<boolean> => (await decideFully(authorizers, attributes)).verdict === 'allow';
  if (!(await isAllowed({ ...asked, user: sender, verb: `impersonate-on:${mode}:${asked.verb}` }))) return false;
  const node = nodeOf(name);
  const whom: readonly Partial<Attributes>[] = [
    node === undefined ? { resource: 'users', name, ...accountAttributes(name) } : { resource: 'nodes', name: mode === 'associated-node' ? '*' : node },
    ...(uid === '' ? [] : [{ resource: 'uids', name: uid }]),
    ...given.map((group) => ({ resource: 'groups', name: group })),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => ({ resource: 'userextras', subresource: key, name: value }))),
  ];
  for (const what of whom) {
    const attributes = { user: sender, verb: `impersonate:${mode}`, isResource: true, path: '', group: 'authentication.k8s.io', version: 'v1', resource: '', subresource: '', namespace: '', name: '', ...what };
    if (!(await isAllowed(attributes))) return false;
  }
  return true;
}

function accountAttributes(name: string): Partial<Attributes> {
  const account = accountOf(name);
  return account === undefined ? {} : { resource: 'serviceaccounts', ...account };
}

function userOf({ name, given, uid, extra }: Impersonation): UserInfo {
  const account = accountOf(name);
  const own = account === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  return { name, groups: nodeOf(name) === undefined ? [...own, ...given] : ['system:nodes'], ...(uid !== '' && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

const accountPrefix = 'system:serviceaccount:';

/** Of names of service accounts. */
export function accountOf(name: string): { readonly namespace: string; readonly name: string } | undefined {
  const [namespace, account, ...more] = name.startsWith(accountPrefix) ? name.slice(accountPrefix.length).split(':') : [];
  return namespace === undefined || account === undefined || more.length > 0 ? undefined : { namespace, name: account };
}

function nodeOf(name: string): string | undefined {
  const prefix = 'system:node:';
  const node = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return node === '' || [...dns1123Subdomain(node)].length > 0 ? undefined : node;
}
