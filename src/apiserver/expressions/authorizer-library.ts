/**
 * `authorizer` in expressions of admission: whether somebody may do something.
 * Source: Kubernetes documentation, "CEL in Kubernetes: Kubernetes authorizer library".
 */
import type { Overload } from '#cel/functions.ts';
import { overload } from '#cel/functions.ts';
import type { CelType, ObjectType } from '#cel/types.ts';
import type { OpaqueValue } from '#cel/values.ts';
import type { Attributes, Authorizer, Decision } from '../authz/authorizer.ts';
import { decide } from '../authz/authorizer.ts';
import type { UserInfo } from '../request/api-call.ts';

const prefix = 'kubernetes.authorization';
const resourceCheck: CelType = { is: 'opaque', name: `${prefix}.ResourceCheck` };

/** The type of the variable `authorizer`. */
export const authorizerType: ObjectType = { is: 'object', name: `${prefix}.Authorizer`, fields: new Map([['requestResource', { key: 'requestResource', type: resourceCheck }]]) };

/** What the original charges for asking. */
const checkCost = 350_000;
const none: Omit<Attributes, 'user'> = { verb: '', isResource: false, path: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };

/** The value of `authorizer`. `request`: what the request at hand is about. */
export class AuthorizerValue {
  readonly requestResource: Check;
  readonly user: UserInfo;
  readonly authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[], user: UserInfo, request: Partial<Attributes>) {
    this.authorizers = authorizers;
    this.user = user;
    this.requestResource = new Check(`${prefix}.ResourceCheck`, this, { ...none, isResource: true, ...request });
  }

  group(group: string): Check {
    return new Check(`${prefix}.GroupCheck`, this, { ...none, isResource: true, version: '*', group });
  }

  path(path: string): Check {
    return new Check(`${prefix}.PathCheck`, this, { ...none, path });
  }

  serviceAccount(namespace: string, name: string): AuthorizerValue {
    const user: UserInfo = { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] };
    return new AuthorizerValue(this.authorizers, user, {});
  }
}

class Check implements OpaqueValue {
  readonly celType: string;
  readonly #authorizer: AuthorizerValue;
  readonly #what: Omit<Attributes, 'user'>;

  constructor(celType: string, authorizer: AuthorizerValue, what: Omit<Attributes, 'user'>) {
    this.celType = celType;
    this.#authorizer = authorizer;
    this.#what = what;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }

  with(more: Partial<Attributes>): Check {
    return new Check(`${prefix}.${this.#what.isResource ? 'ResourceCheck' : 'PathCheck'}`, this.#authorizer, { ...this.#what, ...more });
  }

  check(verb: string): Answer {
    const { authorizers, user } = this.#authorizer;
    return new Answer(decide(authorizers, { ...this.#what, user, verb }));
  }
}

class Answer implements OpaqueValue {
  readonly celType = `${prefix}.Decision`;
  readonly decision: Decision;

  constructor(decision: Decision) {
    this.decision = decision;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

/** A method of `authorizer` itself, whose type the notation of signatures does not know. */
function ofAuthorizer(made: Overload): Overload {
  const typed = (type: CelType): CelType => (type.is === 'opaque' && type.name === authorizerType.name ? authorizerType : type);
  return { ...made, params: made.params.map(typed), result: typed(made.result) };
}

const resource = `${prefix}.ResourceCheck`;

/** Its functions. */
export function authorizerLibrary(): readonly Overload[] {
  return [
    ofAuthorizer(overload(`${prefix}.Authorizer.path(string): ${prefix}.PathCheck`, (authorizer: AuthorizerValue, path: string) => authorizer.path(path))),
    ofAuthorizer(overload(`${prefix}.Authorizer.group(string): ${prefix}.GroupCheck`, (authorizer: AuthorizerValue, group: string) => authorizer.group(group))),
    ofAuthorizer(overload(`${prefix}.Authorizer.serviceAccount(string, string): ${prefix}.Authorizer`, (authorizer: AuthorizerValue, namespace: string, name: string) => authorizer.serviceAccount(namespace, name))),
    overload(`${prefix}.GroupCheck.resource(string): ${resource}`, (check: Check, plural: string) => check.with({ resource: plural })),
    overload(`${resource}.subresource(string): ${resource}`, (check: Check, subresource: string) => check.with({ subresource })),
    overload(`${resource}.namespace(string): ${resource}`, (check: Check, namespace: string) => check.with({ namespace })),
    overload(`${resource}.name(string): ${resource}`, (check: Check, name: string) => check.with({ name })),
    overload(`${resource}.fieldSelector(string): ${resource}`, (check: Check, fieldSelector: string) => check.with({ fieldSelector })),
    ...['ResourceCheck', 'PathCheck'].map((type) => overload(`${prefix}.${type}.check(string): ${prefix}.Decision`, (check: Check, verb: string) => check.check(verb), { cost: () => checkCost })),
    overload(`${prefix}.Decision.allowed(): bool`, ({ decision }: Answer) => decision.verdict === 'allow'),
    overload(`${prefix}.Decision.reason(): string`, ({ decision }: Answer) => decision.reason),
    overload(`${prefix}.Decision.errored(): bool`, () => false),
    overload(`${prefix}.Decision.error(): string`, () => ''),
  ];
}
