/** Words that operations and schemas are named and described by. Used by `openapi.ts`. */
import type { JsonObject } from './json.ts';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** The group, version and kind of a schema or operation. */
export function gvk({ group, version }: GroupVersion, kind: string): JsonObject {
  return { group, kind, version };
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** `core`, `rbacAuthorization`: what tags and operation names call a group. */
export function groupWord(group: string): string {
  if (group === '') return 'core';
  const [first = '', ...others] = group.replace(/\.k8s\.io$/, '').split('.');
  return first + others.map(capital).join('');
}

/** `of the specified Pod`, `of a Pod`: the kind, and what of it where it is a subresource. */
export interface Noun {
  readonly kind: string;
  readonly subresource?: string | undefined;
}

export type Deed = 'list' | 'read' | 'create' | 'replace' | 'patch' | 'delete' | 'deletecollection' | 'watch' | 'watchlist' | 'list or watch';

/** What an operation does, in the words in which Kubernetes says it. */
export function describeDeed(deed: Deed, { kind, subresource }: Noun): string {
  const part = subresource === undefined ? '' : ` ${subresource} of`;
  switch (deed) {
    case 'list':
    case 'list or watch':
      return `${deed} objects of kind ${kind}`;
    case 'read':
    case 'replace':
      return `${deed}${part} the specified ${kind}`;
    case 'patch':
      return `partially update${part} the specified ${kind}`;
    case 'create':
    case 'delete':
      return `${deed}${part}${articleOf(kind)} ${kind}`;
    case 'deletecollection':
      return `delete collection of ${kind}`;
    case 'watch':
      return `watch changes to an object of kind ${kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`;
    case 'watchlist':
      return `watch individual changes to a list of ${kind}. deprecated: use the 'watch' parameter with a list operation instead.`;
  }
}

/** Kinds that are plurals (Endpoints) have none. */
function articleOf(kind: string): string {
  if (kind.endsWith('s') && !kind.endsWith('ss')) return '';
  return /^[aeiou]/i.test(kind) ? ' an' : ' a';
}
