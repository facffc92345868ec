/** What a request is answered, once it is known who asks: is it allowed, and who has the answer? */
import { noSuchPath } from '#apimachinery/status-error.ts';
import type { Aggregation } from '../aggregation/aggregation.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { annotateDecision, attributesOf, decideFully, refusal } from '../authz/authorizer.ts';
import type { Documents } from '../documents/documents.ts';
import type { PageSources } from '../documents/pages.ts';
import { pageAt } from '../documents/pages.ts';
import type { ApiCall } from './api-call.ts';
import type { DispatchContext } from './dispatch.ts';
import { dispatch } from './dispatch.ts';
import type { CallHandler } from './in-process.ts';

export interface AnswerDependencies {
  readonly authorizers: readonly Authorizer[];
  readonly aggregation: Pick<Aggregation, 'isRemote' | 'pass' | 'extend'>;
  /** What there is to work with for who asks. */
  readonly contextOf: (call: ApiCall) => DispatchContext;
  readonly documents: Pick<Documents, 'find' | 'finish'>;
  readonly pages: PageSources;
}

/** Throws the `StatusError` that a call is answered when it is refused or leads nowhere. */
export function answerCalls({ authorizers, aggregation, contextOf, documents, pages }: AnswerDependencies): CallHandler {
  return async (call) => {
    const attributes = attributesOf(call.info, call.user, call.query);
    const decided = decideFully(authorizers, attributes);
    const decision = decided instanceof Promise ? await decided : decided;
    if (call.annotate !== undefined) annotateDecision(call.annotate, decision);
    if (decision.verdict !== 'allow') throw refusal(attributes, decision);
    if (aggregation.isRemote(call.info)) return aggregation.pass(call);
    if (call.info.isResource) return dispatch(contextOf(call), call);
    const page = await pageAt(call, pages);
    if (page !== undefined) return page;
    const document = await documents.finish(call, await aggregation.extend(call, await documents.find(call)));
    if (document === undefined) throw noSuchPath();
    return document;
  };
}
