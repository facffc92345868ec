/**
 * Kinds that a client knows by name only (custom resources, found through discovery or their definition): their objects
 * are kept as the server sent them.
 */
import type { JsonObject } from '#apimachinery/json.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { ResourceKind, Scope, Subresource, Verb } from '#apimachinery/resource.ts';
import type { RunTimeDeclaration } from '#apimachinery/run-time-declaration.ts';
import type { Field } from '#apimachinery/schema.ts';
import { object, string } from '#apimachinery/schema.ts';

export interface OpenKindNames {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular?: string | undefined;
  readonly listKind?: string | undefined;
  readonly scope: Scope;
  readonly shortNames?: readonly string[] | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly verbs?: readonly Verb[] | undefined;
  readonly subresources?: readonly Subresource[] | undefined;
}

const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const fields: ReadonlyMap<string, Field> = new Map<string, Field>([['kind', string(0)], ['apiVersion', string(0)], ['metadata', object(1, TemplateMeta)]]);

const asSent: RunTimeDeclaration = {
  decode: (input: JsonObject) => ({ ...input }),
  get shape(): never {
    throw new Error('only a server knows who owns the fields of a custom resource');
  },
  openApi: () => ({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
  listExtensions: {},
  fingerprint: '',
};

/** A kind for a client's verbs and informers. It checks, completes and prints nothing. */
export function openKind(names: OpenKindNames): ResourceKind {
  const { group, version, kind, plural, scope } = names;
  return {
    name: `${group}.${version}.${kind}`,
    fields,
    inlines: [],
    atomic: false,
    atRunTime: asSent,
    group,
    version,
    kind,
    plural,
    singular: names.singular ?? kind.toLowerCase(),
    listKind: names.listKind ?? `${kind}List`,
    apiVersion: group === '' ? version : `${group}/${version}`,
    scope,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: names.verbs ?? allVerbs,
    subresources: names.subresources ?? [],
    strategy: {},
    validate: [],
    validateUpdate: [],
    validateStatusUpdate: [],
    columns: undefined,
    selectableFields: {},
    storePrefix: `${group}/${plural}`,
    convertedFrom: undefined,
    isCustom: true,
  };
}
