import type { Authorizer, Decision } from './authorizer.ts';

/** As often as one question may lead to another; expressions that ask have bounded costs anyway. */
const maxRounds = 10;

/**
 * What `work` gives, which asks authorizers and cannot wait: where one of them has to ask elsewhere, its answers are
 * waited for and `work` is done again, until it has them all. So it must change nothing. Without such authorizers it is
 * done once, at once.
 */
export function withAnswers<T>(authorizers: readonly Authorizer[], work: (authorizers: readonly Authorizer[]) => T): T | Promise<T> {
  if (authorizers.every((each) => each.ask === undefined)) return work(authorizers);
  return inRounds(authorizers, work);
}

async function inRounds<T>(authorizers: readonly Authorizer[], work: (authorizers: readonly Authorizer[]) => T): Promise<T> {
  const pending: Promise<unknown>[] = [];
  const answering = authorizers.map((each) => remembering(each, pending));
  for (let round = 1; ; round++) {
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: work(answering) };
    } catch (error) {
      outcome = { error };
    }
    if (pending.length === 0 || round >= maxRounds) {
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    }
    await Promise.all(pending.splice(0));
  }
}

/** Answers what it has been told; what it has not, it asks, and has no opinion until then. */
function remembering(authorizer: Authorizer, pending: Promise<unknown>[]): Authorizer {
  if (authorizer.ask === undefined) return authorizer;
  const answers = new Map<string, Decision>();
  return {
    name: authorizer.name,
    authorize(attributes) {
      const key = JSON.stringify(attributes);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const asked = authorizer.ask?.(attributes) ?? authorizer.authorize(attributes);
      if (!(asked instanceof Promise)) return asked;
      pending.push(asked.then((decision) => answers.set(key, decision)));
      return { verdict: 'no-opinion', reason: '' };
    },
  };
}
