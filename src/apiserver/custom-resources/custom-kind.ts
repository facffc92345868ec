/**
 * From a definition to kinds that the registry serves like any other: one per served version, all stored as the storage
 * version's (the hub).
 */
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '#api/apiextensions/custom-resource-definition.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { sameJson } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { Conversion, Draft, ResourceKind, Strategy, Subresource } from '#apimachinery/resource.ts';
import { scale, status } from '#apimachinery/resource.ts';
import type { RunTimeDeclaration } from '#apimachinery/run-time-declaration.ts';
import type { Field } from '#apimachinery/schema.ts';
import { json, object as byValue, string } from '#apimachinery/schema.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import { columnsOf } from './columns.ts';
import { jsonPath, valueText } from './json-path.ts';
import { publishSchema, publishSelectableFields } from './publish-schema.ts';
import { completeObject } from './schema/complete-value.ts';
import { checkEmbedded, checkListTypes } from './schema/check-structure.ts';
import { foundAt, valueCheck } from './schema/check-value.ts';
import { objectShape } from './schema/field-ownership.ts';
import type { SchemaNode } from './schema/schema-node.ts';
import { schemaNode } from './schema/schema-node.ts';
import { checkScaleSpec, checkScaleStatus } from './scale-numbers.ts';

/** The rules (`x-kubernetes-validations`) of a schema, ready to run. */
export interface RuleCheck {
  /** What the rules say of `object`; `old` is what is stored, at updates. */
  run(object: KubeObject, old: KubeObject | undefined): readonly FieldError[];
}

export interface CustomKindDependencies {
  /** Compiles the rules of a schema that has some. */
  readonly rulesOf: (node: SchemaNode) => RuleCheck;
  /** Whether the definition is being deleted: nothing new may then be created. */
  readonly isTerminating: () => boolean;
  /** How objects come from one version to another; undefined: nothing but the apiVersion changes. */
  readonly convert: Pick<Conversion, 'load'> & { readonly converted: (object: KubeObject, apiVersion: string) => KubeObject } | undefined;
}

export interface DefinedKinds {
  /** What is stored, whether it is served or not. */
  readonly hub: ResourceKind;
  readonly served: readonly ResourceKind[];
}

export function kindsOf(definition: CustomResourceDefinition, dependencies: CustomKindDependencies): DefinedKinds {
  const versions = definition.spec.versions;
  const stored = versions.find((version) => version.storage);
  if (stored === undefined) throw new Error(`${definition.metadata.name} has no storage version`);
  const made = new Map<CustomResourceDefinitionVersion, ResourceKind>();
  const make = (version: CustomResourceDefinitionVersion): ResourceKind => {
    const kind = made.get(version) ?? kindOf(definition, version, dependencies, { hub: version === stored ? undefined : make(stored), inVersion });
    made.set(version, kind);
    return kind;
  };
  const inVersion = (apiVersion: string): ResourceKind | undefined => {
    const version = versions.find(({ name }) => apiVersion === `${definition.spec.group}/${name}`);
    return version === undefined ? undefined : make(version);
  };
  return { hub: make(stored), served: versions.filter((version) => version.served).map(make) };
}

interface OtherVersions {
  /** The version that is stored; undefined: it is this one. */
  readonly hub: ResourceKind | undefined;
  readonly inVersion: NonNullable<ResourceKind['inVersion']>;
}

function kindOf(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, dependencies: CustomKindDependencies, { hub, inVersion }: OtherVersions): ResourceKind {
  const { group, scope } = definition.spec;
  const names = definition.status.acceptedNames;
  const schema = version.schema?.openAPIV3Schema ?? {};
  const node = schemaNode(schema);
  const hasStatus = version.subresources?.status !== undefined;
  const apiVersion = `${group}/${version.name}`;
  const name = `${group.split('.').toReversed().join('.')}.${version.name}.${names.kind}`;
  const fields = fieldsOf(node, hasStatus);
  const selectable = (version.selectableFields ?? []).map(({ jsonPath: path }) => path.replace(/^\./, ''));
  const published = { schema: version.schema?.openAPIV3Schema, selectableFields: selectable };
  const atRunTime: RunTimeDeclaration = {
    decode: (input, walk) => completeObject(node, input, walk),
    shape: objectShape(name, node, fields.keys()),
    openApi: (openApiVersion, refToMeta) => publishSchema(published, openApiVersion, refToMeta),
    listExtensions: publishSelectableFields(published),
    fingerprint: JSON.stringify([schema, selectable, names]),
  };
  const kind: ResourceKind = {
    name,
    fields,
    inlines: [],
    atomic: false,
    atRunTime,
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    apiVersion,
    scope,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    subresources: subresourcesOf(version),
    strategy: strategyOf(definition, node, fields, hasStatus, dependencies.isTerminating),
    ...validationOf(version, node, node.holds.rules ? dependencies.rulesOf(node) : undefined),
    columns: columnsOf(version.additionalPrinterColumns ?? []),
    selectableFields: Object.fromEntries(selectable.map((path) => [path, fieldReader(path)])),
    storePrefix: `${group}/${names.plural}`,
    convertedFrom: undefined,
    isCustom: true,
    inVersion,
    deprecationWarning: version.deprecated === true ? (version.deprecationWarning ?? `${apiVersion} ${names.kind} is deprecated`) : undefined,
  };
  return hub === undefined ? kind : { ...kind, convertedFrom: conversionOf(kind, hub, node, dependencies.convert) };
}

function fieldsOf(node: SchemaNode, hasStatus: boolean): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>([['kind', string(0)], ['apiVersion', string(0)], ['metadata', byValue(1, TemplateMeta)]]);
  let number = 2;
  for (const key of node.properties.keys()) if (!fields.has(key)) fields.set(key, json(number++));
  if (hasStatus && !fields.has('status')) fields.set('status', json(number));
  return fields;
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion): readonly Subresource[] {
  const path = (text: string | undefined): string => (text ?? '').replace(/^\./, '');
  const scaled = subresources?.scale;
  return [
    ...(subresources?.status === undefined ? [] : [status()]),
    ...(scaled === undefined ? [] : [scale({ replicas: path(scaled.specReplicasPath), statusReplicas: path(scaled.statusReplicasPath), selector: path(scaled.labelSelectorPath) })]),
  ];
}

const typeMeta = ['kind', 'apiVersion', 'metadata'];

function strategyOf(definition: CustomResourceDefinition, node: SchemaNode, fields: ReadonlyMap<string, Field>, hasStatus: boolean, isTerminating: () => boolean): Strategy<KubeObject> {
  const counted = [...fields.keys()].filter((key) => !typeMeta.includes(key));
  const unlisted = (object: object): Record<string, unknown> => Object.fromEntries(Object.entries(object).filter(([key]) => !fields.has(key)));
  return {
    statusFields: hasStatus ? ['status'] : [],
    generation: true,
    generationFrom: counted,
    needsResourceVersion: true,
    prepareForCreate(draft) {
      if (!isTerminating()) return;
      const { plural } = definition.status.acceptedNames;
      const resource = `${plural}.${definition.spec.group}`;
      throw new StatusError(403, 'Forbidden', `${resource} ${JSON.stringify(draft.metadata.name)} is forbidden: create not allowed while custom resource definition is terminating`, {
        name: draft.metadata.name, group: definition.spec.group, kind: plural,
      });
    },
    prepareForStatusUpdate(draft: Draft<KubeObject>, old: KubeObject) {
      const { managedFields, resourceVersion } = draft.metadata;
      draft.metadata = { ...structuredClone(old.metadata), ...(managedFields !== undefined && { managedFields }), ...(resourceVersion !== undefined && { resourceVersion }) } as Draft<typeof old.metadata>;
      if (!node.preservesUnknown) return;
      for (const key of Object.keys(unlisted(draft))) delete (draft as unknown as Record<string, unknown>)[key];
      Object.assign(draft, unlisted(old));
    },
    ...(node.preservesUnknown && {
      prepareForUpdate(draft: Draft<KubeObject>, old: KubeObject) {
        if (!sameJson(unlisted(draft), unlisted(old))) draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
      },
    }),
  };
}

function validationOf(version: CustomResourceDefinitionVersion, node: SchemaNode, rules: RuleCheck | undefined): Pick<ResourceKind, 'validate' | 'validateUpdate' | 'validateStatusUpdate'> {
  const schema = version.schema?.openAPIV3Schema ?? {};
  const whole = valueCheck(schema);
  const statusNode = node.properties.get('status');
  const ofStatus = statusNode === undefined ? undefined : valueCheck(statusNode.source);
  const scaled = version.subresources?.scale;
  /** Rules assume that the values they look at are of the declared types and sizes. */
  const withRules = (errors: FieldError[], object: KubeObject, old: KubeObject | undefined): readonly FieldError[] => {
    if (rules === undefined) return errors;
    if (errors.some(blocksRules)) return [...errors, invalidValue('<nil>', null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation')];
    return [...errors, ...rules.run(object, old)];
  };
  const listTypes = (object: object, old: object): FieldError[] => {
    if (!node.holds.listTypes) return [];
    const errors = [...checkListTypes(node, object, '')];
    return errors.length > 0 && [...checkListTypes(node, old, '')].length > 0 ? [] : errors;
  };
  return {
    validate: [(object: KubeObject) => {
      const errors: FieldError[] = [];
      whole.run(object, '', errors);
      errors.push(...checkScaleSpec(scaled, object), ...checkScaleStatus(scaled, object), ...checkEmbedded(node, object, ''), ...checkListTypes(node, object, ''));
      return withRules(errors, object, undefined);
    }],
    validateUpdate: [(object: KubeObject, old: KubeObject) => {
      const errors: FieldError[] = [];
      whole.run(object, '', errors, old);
      errors.push(...checkScaleSpec(scaled, object), ...checkScaleStatus(scaled, object), ...checkEmbedded(node, object, ''), ...listTypes(object, old));
      return withRules(errors, object, old);
    }],
    validateStatusUpdate: [(object: KubeObject, old: KubeObject) => {
      const errors: FieldError[] = [];
      const now = (object as unknown as Record<string, unknown>)['status'];
      // As upstream tells it: the status in front, without it in the sentence.
      const found: FieldError[] = [];
      if (now !== undefined) ofStatus?.run(now, '', found, (old as unknown as Record<string, unknown>)['status']);
      errors.push(...found.map((error) => foundAt('status', error)));
      errors.push(...checkScaleStatus(scaled, object), ...listTypes(object, old));
      return withRules(errors, object, old);
    }],
  };
}

function blocksRules({ type }: FieldError): boolean {
  return type === 'FieldValueNotSupported' || type === 'FieldValueRequired' || type === 'FieldValueTooLong' || type === 'FieldValueTooMany' || type === 'FieldValueTypeInvalid';
}

function fieldReader(path: string): (object: object) => string {
  const read = jsonPath(`.${path}`);
  return (value) => {
    const [found] = read(value);
    return found === undefined || found === null ? '' : valueText(found);
  };
}

/** Objects of this version are those of the hub under another apiVersion, as far as this version's schema knows them. */
function conversionOf(kind: ResourceKind, hub: ResourceKind, node: SchemaNode, convert: CustomKindDependencies['convert']): Conversion {
  if (convert !== undefined) {
    return {
      hub: () => hub,
      load: convert.load,
      fromHub: (object) => convert.converted(object, kind.apiVersion),
      toHub: (object) => convert.converted(object, hub.apiVersion),
    };
  }
  const isSame = sameJson(kind.atRunTime?.fingerprint, hub.atRunTime?.fingerprint);
  return {
    hub: () => hub,
    fromHub(stored) {
      const renamed = { ...stored, apiVersion: kind.apiVersion };
      return isSame ? renamed : (completeObject(node, renamed as unknown as JsonObject, { defaults: false, unknown: undefined, path: [], fillsIn: false }) as unknown as KubeObject);
    },
    // What the stored version has defaults for has them as soon as it is read from the store: the copy in memory is alike.
    toHub(given) {
      const renamed = { ...given, apiVersion: hub.apiVersion };
      return isSame ? renamed : decodeDraft(hub, renamed);
    },
  };
}
