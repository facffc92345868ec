import { parseFieldSelector, requiredField } from '#apimachinery/selector.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Query, UserInfo } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';

/** What somebody wants to do. */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResource: boolean;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of lists, watches and collection deletes, as the client wrote it. */
  readonly fieldSelector?: string | undefined;
}

export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'no-opinion';
  /** Why, in words for people. */
  readonly reason: string;
}

/** Says whether a request is allowed. Asked in order; the first that has an opinion decides. */
export interface Authorizer {
  readonly name: string;
  /** What is known at once. Of those that ask elsewhere: what they remember, or no opinion. */
  authorize(attributes: Attributes): Decision;
  /** Of those that ask elsewhere: the whole answer. Default: `authorize`. Does not reject. */
  ask?(attributes: Attributes): Decision | Promise<Decision>;
}

export function attributesOf(info: RequestInfo, user: UserInfo, query: Query): Attributes {
  const { verb, isResource, path, group, version, resource, subresource, namespace } = info;
  const { fieldSelector } = query;
  const isOfMany = info.name === '' && fieldSelector !== undefined && (verb === 'list' || verb === 'watch' || verb === 'deletecollection');
  // A list of what has one name is about one object: rules that name objects cover it.
  const name = isOfMany ? nameIn(fieldSelector) : info.name;
  return { user, verb, isResource, path, group, version, resource, subresource, namespace, name, ...(isOfMany && { fieldSelector }) };
}

function nameIn(fieldSelector: string): string {
  try {
    return requiredField(parseFieldSelector(fieldSelector), 'metadata.name') ?? '';
  } catch {
    // What cannot be read is refused when the request is carried out.
    return '';
  }
}

/** The same, with those asked that have to ask elsewhere; nothing is waited for that need not be. */
export function decideFully(authorizers: readonly Authorizer[], attributes: Attributes): Decision | Promise<Decision> {
  return authorizers.every((each) => each.ask === undefined) ? decide(authorizers, attributes) : askInOrder(authorizers, attributes);
}

async function askInOrder(authorizers: readonly Authorizer[], attributes: Attributes): Promise<Decision> {
  const reasons: string[] = [];
  for (const authorizer of authorizers) {
    const decision = await (authorizer.ask === undefined ? authorizer.authorize(attributes) : authorizer.ask(attributes));
    if (decision.verdict !== 'no-opinion') return decision;
    if (decision.reason !== '') reasons.push(decision.reason);
  }
  return { verdict: 'no-opinion', reason: reasons.join('\n') };
}

/** The first opinion; without one, a refusal. */
export function decide(authorizers: readonly Authorizer[], attributes: Attributes): Decision {
  const reasons: string[] = [];
  for (const authorizer of authorizers) {
    const decision = authorizer.authorize(attributes);
    if (decision.verdict !== 'no-opinion') return decision;
    if (decision.reason !== '') reasons.push(decision.reason);
  }
  return { verdict: 'no-opinion', reason: reasons.join('\n') };
}

/** Tells the audit event of a request how it was decided. Source: annotations authorization.k8s.io/decision and /reason. */
export function annotateDecision(annotate: (key: string, value: string) => void, { verdict, reason }: Decision): void {
  annotate('authorization.k8s.io/decision', verdict === 'allow' ? 'allow' : 'forbid');
  annotate('authorization.k8s.io/reason', reason);
}

/** The 403 for a refused request, anonymous senders' too: a 401 is for credentials that do not hold. */
export function refusal(attributes: Attributes, decision: Decision): StatusError {
  const { user, verb, resource, subresource, group, namespace, name } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot`;
  const because = decision.reason === '' ? '' : `: ${decision.reason}`;
  if (!attributes.isResource) {
    return new StatusError(403, 'Forbidden', `forbidden: ${who} ${verb} path ${JSON.stringify(attributes.path)}${because}`, {});
  }
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const groupResource = group === '' ? resource : `${resource}.${group}`;
  const subject = name === '' ? groupResource : `${groupResource} ${JSON.stringify(name)}`;
  return new StatusError(
    403, 'Forbidden',
    `${subject} is forbidden: ${who} ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${because}`,
    { ...(name !== '' && { name }), ...(group !== '' && { group }), kind: resource },
  );
}
