import { unauthorized } from '#apimachinery/status-error.ts';
import type { Authenticator } from './authenticate.ts';

/** Whether requests for a path may come without credentials. */
export type AnonymousRule = (path: string) => boolean;

/** Nobody comes without credentials. Source: --anonymous-auth=false of kube-apiserver. */
export const nobodyAnonymous: AnonymousRule = () => false;

/** The last one asked: refuses who has shown no credentials, where the rule does not let them. Throws a 401. */
export function anonymousWhere(rule: AnonymousRule): Authenticator {
  return {
    name: 'anonymous',
    authenticate({ path }) {
      if (!rule(path)) throw unauthorized();
      return undefined;
    },
  };
}
