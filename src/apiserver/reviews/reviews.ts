/**
 * Kinds that are questions: a POST is answered at once and nothing is stored.
 * Source: API reference, authentication.k8s.io/v1 and authorization.k8s.io/v1.
 */
import { SelfSubjectReview } from '#api/authentication/self-subject-review.ts';
import { TokenReview } from '#api/authentication/token-review.ts';
import { LocalSubjectAccessReview } from '#api/authorization/local-subject-access-review.ts';
import { SelfSubjectAccessReview } from '#api/authorization/self-subject-access-review.ts';
import { SelfSubjectRulesReview } from '#api/authorization/self-subject-rules-review.ts';
import type { SubjectAccessReview as SubjectAccessReviewObject } from '#api/authorization/subject-access-review.ts';
import { SubjectAccessReview } from '#api/authorization/subject-access-review.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind, Rule } from '#apimachinery/resource.ts';
import { badRequest, invalid } from '#apimachinery/status-error.ts';
import type { Authenticator } from '../authn/authenticate.ts';
import { authenticate } from '../authn/authenticate.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { Attributes, Authorizer, Decision } from '../authz/authorizer.ts';
import { decideFully } from '../authz/authorizer.ts';
import type { RbacRules } from '../authz/rbac.ts';
import { decodeBody } from '../registry/decode-body.ts';
import type { ApiCall, ObjectResult, UserInfo } from '../request/api-call.ts';
import type { ReviewHandler } from '../request/dispatch.ts';

export interface ReviewDependencies {
  readonly authorizers: readonly Authorizer[];
  /** Those that know tokens, the issuer's among them. */
  readonly authenticators: readonly Authenticator[];
  readonly issuer: TokenIssuer;
  readonly rbac: RbacRules;
}

/** All reviews. */
export function reviews({ authorizers, authenticators, issuer, rbac }: ReviewDependencies): readonly ReviewHandler[] {
  const access = async (attributes: Attributes): Promise<object> => {
    const decision: Decision = await decideFully(authorizers, attributes);
    return {
      allowed: decision.verdict === 'allow',
      ...(decision.verdict === 'deny' && { denied: true }),
      ...(decision.reason !== '' && { reason: decision.reason }),
    };
  };
  const asksElsewhere = authorizers.some((each) => each.ask !== undefined);
  /** Tokens of other issuers are for this server, which bears the names of its audiences. */
  const verifiedElsewhere = async (token: string, wanted: readonly string[]): Promise<{ readonly user: UserInfo; readonly audiences: readonly string[] } | undefined> => {
    const audiences = wanted.length === 0 ? issuer.audiences : issuer.audiences.filter((each) => wanted.includes(each));
    if (token === '' || audiences.length === 0) return undefined;
    const user = await authenticate(authenticators, { peer: { kind: 'none' }, headers: { authorization: `Bearer ${token}` }, path: '' }).catch(() => undefined);
    return user === undefined ? undefined : { user, audiences };
  };
  return [
    review(SelfSubjectReview, (draft, call) => {
      const { name, uid, groups, extra } = call.user;
      draft.status = { userInfo: { username: name, ...(uid !== undefined && { uid }), groups: [...groups], ...(extra !== undefined && { extra: writable(extra) }) } };
    }),
    review(TokenReview, async (draft) => {
      const { token = '', audiences } = draft.spec;
      if (token === '') throw badRequest('token is required for TokenReview in authentication');
      const verified = (await issuer.verify(token, audiences)) ?? (await verifiedElsewhere(token, audiences ?? []));
      if (verified === undefined) {
        draft.status = { authenticated: false, error: 'invalid bearer token' } as never;
        return;
      }
      const { name, uid, groups, extra } = verified.user;
      draft.status = {
        authenticated: true,
        user: { username: name, ...(uid !== undefined && { uid }), groups: [...groups], ...(extra !== undefined && { extra: writable(extra) }) },
        audiences: [...verified.audiences],
      };
    }),
    review(SelfSubjectAccessReview, async (draft, call) => {
      draft.status = (await access(attributesFrom(draft.spec, call.user))) as never;
    }),
    review(SubjectAccessReview, async (draft) => {
      draft.status = (await access(attributesFrom(draft.spec, subjectOf(draft.spec)))) as never;
    }),
    review(LocalSubjectAccessReview, async (draft) => {
      draft.status = (await access(attributesFrom(draft.spec, subjectOf(draft.spec)))) as never;
    }),
    review(SelfSubjectRulesReview, (draft, call) => {
      if ((draft.spec.namespace ?? '') === '') throw badRequest('no namespace on request');
      const rules = [...rbac.of(call.user, draft.spec.namespace ?? '')].flatMap((each) => each.rules);
      draft.status = {
        resourceRules: rules.filter((rule) => (rule.resources ?? []).length > 0).map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
        nonResourceRules: rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        incomplete: asksElsewhere,
        ...(asksElsewhere && { evaluationError: 'webhook authorizer does not support user rule resolution' }),
      } as never;
    }),
  ];
}

function review<T extends KubeObject>(kind: ResourceKind<T>, answer: (draft: Draft<T>, call: ApiCall) => void | Promise<void>): ReviewHandler {
  return {
    group: kind.group,
    resource: kind.plural,
    async handle(call, served): Promise<ObjectResult> {
      const draft = decodeBody(served, call);
      if (kind.scope === 'Namespaced') placeInNamespace(draft, call.info.namespace);
      const errors = (kind.validate as readonly Rule<KubeObject>[]).flatMap((rule) => [...rule(draft)]);
      if (errors.length > 0) throw invalid(kind, '', errors);
      await answer(draft as unknown as Draft<T>, call);
      return { is: 'object', code: 201, kind: served, object: draft as unknown as KubeObject };
    },
  };
}

function placeInNamespace({ metadata }: Draft<KubeObject>, namespace: string): void {
  if ((metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  metadata.namespace = namespace;
}

type AccessSpec = Draft<SubjectAccessReviewObject>['spec'];

function subjectOf(spec: AccessSpec): UserInfo {
  return { name: spec.user ?? '', uid: spec.uid, groups: spec.groups ?? [], extra: spec.extra };
}

function attributesFrom(spec: Pick<AccessSpec, 'resourceAttributes' | 'nonResourceAttributes'>, user: UserInfo): Attributes {
  const { resourceAttributes: resource, nonResourceAttributes: other } = spec;
  return {
    user,
    isResource: resource !== undefined,
    verb: resource?.verb ?? other?.verb ?? '',
    path: other?.path ?? '',
    group: resource?.group ?? '',
    version: resource?.version ?? '',
    resource: resource?.resource ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    ...(resource?.fieldSelector !== undefined && { fieldSelector: fieldSelectorText(resource.fieldSelector) }),
  };
}

/** As a client would write it. Requirements that a list cannot have (sets) narrow nothing. */
function fieldSelectorText({ rawSelector, requirements = [] }: NonNullable<NonNullable<AccessSpec['resourceAttributes']>['fieldSelector']>): string {
  if ((rawSelector ?? '') !== '') return rawSelector ?? '';
  return requirements.flatMap(({ key, operator, values = [] }) => (operator === 'In' && values.length === 1 ? [`${key}=${values[0] ?? ''}`] : [])).join(',');
}

function writable(extra: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}
