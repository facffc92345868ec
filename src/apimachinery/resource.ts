/**
 * A kind, declared once. Routes, discovery, OpenAPI, tables, patch, apply, watch and RBAC names are loops over what is
 * declared here; a CustomResourceDefinition makes the same declaration at run time.
 */
import type { FieldError } from './field-error.ts';
import type { KubeObject, NamespacedMeta, ObjectMeta } from './object-meta.ts';
import { TemplateMeta } from './object-meta.ts';
import type { Field, Fields, Infer, Struct } from './schema.ts';
import { object, string, struct } from './schema.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export type Scope = 'Namespaced' | 'Cluster';

/** Deeply writable, for what is still being made. */
export type Draft<T> = T extends string | number | boolean | null | undefined ? T
  : T extends readonly (infer E)[] ? Draft<E>[]
  : { -readonly [K in keyof T]: Draft<T[K]> };

/** What a client gives to create a `T`: anything may be left out, the server completes it. */
export type Given<T> = T extends string | number | boolean | null | undefined ? T
  : T extends readonly (infer E)[] ? readonly Given<E>[]
  : { readonly [K in keyof T]?: Given<T[K]> | undefined };

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A part of an object with a path of its own, `/pods/x/log`. */
export interface Subresource {
  readonly name: string;
  /** What is read and written there, where it is not the parent's kind. */
  readonly kind?: GroupVersionKind;
  readonly verbs: readonly Verb[];
  /** `scale` only: where in the object its numbers are. */
  readonly scale?: ScalePaths;
}
export interface ScalePaths {
  /** Dotted paths into the object. */
  readonly replicas: string;
  readonly statusReplicas: string;
  /** A LabelSelector (or a map of labels) in the object. */
  readonly selector: string;
}

/** `status`: written apart from the rest, so that spec and status have different writers. */
export function status(): Subresource {
  return { name: 'status', verbs: ['get', 'patch', 'update'] };
}
/** `scale`: an autoscaling/v1 Scale. */
export function scale(paths: ScalePaths): Subresource {
  return { name: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get', 'patch', 'update'], scale: paths };
}
/** A subresource with a behaviour of its own. */
export function subresource(name: string, verbs: readonly Verb[], kind?: GroupVersionKind): Subresource {
  return { name, verbs, ...(kind !== undefined && { kind }) };
}

export interface Column<T> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  /** 0 always, 1 only with `-o wide`. */
  readonly priority: number;
  value(object: T, nowMs: number): string | number | boolean | null;
}

/** A printer column. `wide` ones are shown by `-o wide` only. */
export function column<T>(
  name: string,
  value: (object: T, nowMs: number) => string | number | boolean | null,
  options: { readonly type?: Column<T>['type']; readonly format?: string; readonly description?: string; readonly wide?: true } = {},
): Column<T> {
  return {
    name,
    type: options.type ?? 'string',
    format: options.format ?? '',
    description: options.description ?? '',
    priority: options.wide === true ? 1 : 0,
    value,
  };
}

/** How names are checked. Source: Kubernetes documentation, "Object Names and IDs". */
export type NameRule = 'dns-subdomain' | 'dns-label' | 'dns-1035-label' | 'path-segment';

/** What the server does to an object before it validates it. All of it is pure. */
export interface Strategy<T> {
  readonly name?: NameRule;
  /** Top-level fields that a create ignores, and that only the status subresource may change. Default: `status` where there is one. */
  readonly statusFields?: readonly string[];
  /** Whether a create may bring the status fields along (nodes: only the kubelet knows them). */
  readonly keepsStatusOnCreate?: true;
  /** Top-level fields whose change raises metadata.generation. Default: `spec` where there is one. */
  readonly generationFrom?: readonly string[];
  /** Whether metadata.generation is kept at all. Default: where there is a `spec`. */
  readonly generation?: boolean;
  /** Whether PUT of an absent object creates it. */
  readonly createOnUpdate?: boolean;
  /** Whether a PUT must name the resourceVersion it replaces. */
  readonly needsResourceVersion?: true;
  prepareForCreate?(draft: Draft<T>): void;
  /** What a new object may not have, though it may come to have it. */
  validateCreate?(object: T): Iterable<FieldError>;
  /** `old` is what is stored; called for the main resource, not for status. */
  prepareForUpdate?(draft: Draft<T>, old: T): void;
  prepareForStatusUpdate?(draft: Draft<T>, old: T): void;
  /** What the writer is told beside the answer (`Warning` headers); `old` is undefined on creation. */
  warnings?(object: T, old: T | undefined): Iterable<string>;
  /** The same for what is written to `status`. */
  statusWarnings?(object: T): Iterable<string>;
  /** Whether nothing but metadata.finalizers holds a deletion back. Default: nothing does. */
  isFinalized?(object: T): boolean;
  /** What else a deletion that has to wait changes (a namespace's phase). */
  prepareForDelete?(draft: Draft<T>): void;
  /** Seconds a deletion waits for the object's keeper; undefined: deleted at once. `requested` comes from DeleteOptions. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number | undefined;
}

/** A rule across fields. Yields what is wrong; pure. */
export type Rule<T> = (object: T) => Iterable<FieldError>;
export type UpdateRule<T> = (object: T, old: T) => Iterable<FieldError>;

export interface ResourceDefinition<F extends Fields, S extends Scope> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope: S;
  /** The struct's full OpenAPI name. Default: io.k8s.api.<group's first word>.<version>.<kind>. */
  readonly schemaName?: string;
  /** Fields besides apiVersion, kind and metadata. */
  readonly fields: F;
  /** Whether metadata is there; review kinds have one too. */
  readonly verbs?: readonly Verb[];
  readonly subresources?: readonly Subresource[];
  readonly strategy?: Strategy<ObjectOf<F, S>>;
  /** Defaults that depend on other fields; runs after the fields' own. */
  readonly defaults?: (draft: Draft<ObjectOf<F, S>>) => void;
  readonly validate?: readonly Rule<ObjectOf<F, S>>[];
  readonly validateUpdate?: readonly UpdateRule<ObjectOf<F, S>>[];
  readonly validateStatusUpdate?: readonly UpdateRule<ObjectOf<F, S>>[];
  /** Default: Name and Age. */
  readonly columns?: readonly Column<ObjectOf<F, S>>[];
  /** Field selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: ObjectOf<F, S>) => string>>;
  /** Path below /registry. Default: the plural. */
  readonly storePrefix?: string;
  /** The version in which Kubernetes stores the kind, where it is another than this: discovery tells its hash. */
  readonly storageVersion?: string;
  /** Served from the objects of another declaration of the same kind (another version), through a conversion. */
  readonly convertedFrom?: Conversion;
  /** What its clients are told with every answer, where another kind has taken its place. */
  readonly deprecationWarning?: string;
}

/** How a version that is not stored relates to the one that is. Both directions lose nothing. */
export interface Conversion {
  readonly hub: () => ResourceKind;
  fromHub(object: KubeObject): KubeObject;
  toHub(object: KubeObject): KubeObject;
  /** Where converting takes time (a webhook): makes ready what these objects are in `apiVersion`. Throws a StatusError. */
  readonly load?: ((objects: readonly KubeObject[], apiVersion: string) => Promise<void>) | undefined;
}

export type ObjectOf<F extends Fields, S extends Scope> = Infer<Struct<{
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: S extends 'Namespaced' ? NamespacedMeta : ObjectMeta;
}>> & Infer<ReturnType<typeof struct<F>>>;

/** A declared kind at run time. It is also the struct of its objects. */
export interface ResourceKind<T extends KubeObject = KubeObject> extends Struct<T> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly listKind: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly scope: Scope;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  readonly strategy: Strategy<T>;
  defaults?(draft: Draft<T>): void;
  readonly validate: readonly Rule<never>[];
  readonly validateUpdate: readonly UpdateRule<never>[];
  readonly validateStatusUpdate: readonly UpdateRule<never>[];
  readonly columns: readonly Column<never>[] | undefined;
  readonly selectableFields: Readonly<Record<string, (object: never) => string>>;
  readonly storePrefix: string;
  readonly storageVersion?: string | undefined;
  readonly convertedFrom: Conversion | undefined;
  /** Declared at run time by a CustomResourceDefinition: patches know no strategies, and every zero, null and empty list counts. */
  readonly isCustom?: boolean;
  /** Of custom kinds: the same kind in another version, which need not be served. */
  readonly inVersion?: (apiVersion: string) => ResourceKind | undefined;
  /** What clients of this version are told (`Warning` header). */
  readonly deprecationWarning?: string | undefined;
}

const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const metadataField: Field = object(1, TemplateMeta);

/** Declares a kind. See `ResourceDefinition`. */
export function defineResource<const F extends Fields, const S extends Scope>(
  definition: ResourceDefinition<F, S>,
): ResourceKind<ObjectOf<F, S>> {
  const { group, version, kind } = definition;
  const groupWord = group === '' ? 'core' : (group.split('.')[0] ?? group);
  const base = struct(definition.schemaName ?? `io.k8s.api.${groupWord}.${version}.${kind}`, {
    kind: string(0),
    apiVersion: string(0),
    metadata: metadataField,
    ...definition.fields,
  });
  return {
    ...(base as unknown as Struct<ObjectOf<F, S>>),
    group,
    version,
    kind,
    plural: definition.plural,
    singular: definition.singular ?? kind.toLowerCase(),
    listKind: `${kind}List`,
    apiVersion: group === '' ? version : `${group}/${version}`,
    scope: definition.scope,
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    verbs: definition.verbs ?? allVerbs,
    subresources: definition.subresources ?? [],
    strategy: definition.strategy ?? {},
    ...(definition.defaults !== undefined && { defaults: definition.defaults }),
    validate: definition.validate ?? [],
    validateUpdate: definition.validateUpdate ?? [],
    validateStatusUpdate: definition.validateStatusUpdate ?? [],
    columns: definition.columns,
    selectableFields: definition.selectableFields ?? {},
    storePrefix: definition.storePrefix ?? definition.plural,
    storageVersion: definition.storageVersion,
    convertedFrom: definition.convertedFrom,
    deprecationWarning: definition.deprecationWarning,
  };
}
