import type { MatchCondition } from '#api/admissionregistration/matching.ts';
import { withAnswers } from '../../authz/with-answers.ts';
import type { ConditionCheck } from '../webhooks/hooks.ts';
import type { MadeCondition } from './expressions.ts';
import { ExpressionSet, makeConditions, meets } from './expressions.ts';
import type { ValueSources } from './request-values.ts';
import { requestValues } from './request-values.ts';

/** The match conditions of webhooks. They are compiled once: the cache gives the same list until the configuration changes. */
export function conditionCheck(sources: ValueSources): ConditionCheck {
  const compiled = new WeakMap<readonly MatchCondition[], { readonly set: ExpressionSet; readonly conditions: readonly MadeCondition[] }>();
  return (conditions, request, kind) => {
    let made = compiled.get(conditions);
    if (made === undefined) {
      const set = new ExpressionSet({ hasParams: false });
      made = { set, conditions: makeConditions(set, conditions) };
      compiled.set(conditions, made);
    }
    const { set, conditions: own } = made;
    return Promise.resolve(withAnswers(sources.authorizers, (authorizers) => meets(set.evaluation(requestValues(request, kind, { ...sources, authorizers })), own)));
  };
}
