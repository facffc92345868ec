/**
 * Declarations as OpenAPI schemas, of version 3 and 2. Used by `openapi.ts`.
 *
 * Source: OpenAPI 3.0; Kubernetes' API reference for the x-kubernetes extensions.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { sortKeys } from './json.ts';
import { APIGroup, APIGroupList, APIResourceList, APIVersions, ListMeta, Status, WatchEvent } from './meta-schemas.ts';
import { DeleteOptions } from './meta-types.ts';
import { TemplateMeta } from './object-meta.ts';
import type { ResourceKind } from './resource.ts';
import type { GroupVersion } from './openapi-words.ts';
import { capital, gvk } from './openapi-words.ts';
import type { AnyStruct, Field, FieldType, ScalarName, SchemaUnion, Union } from './schema.ts';

export type OpenApiVersion = 2 | 3;

const machinery = 'io.k8s.apimachinery.pkg';
const patchName = `${machinery}.apis.meta.v1.Patch`;
const rawName = `${machinery}.runtime.RawExtension`;

/** Collects the schemas that a document needs, each once, with all that they refer to. */
export class SchemaCollection {
  readonly #version: OpenApiVersion;
  readonly #found = new Map<string, JsonObject>();
  /** The kinds by the names of their schemas: those say which group, version and kind they are. */
  readonly #kinds: ReadonlyMap<string, ResourceKind>;
  readonly #served: readonly GroupVersion[];

  /** `served` are the group versions whose delete options and watch events the document describes. */
  constructor(version: OpenApiVersion, kinds: readonly ResourceKind[], served: readonly GroupVersion[]) {
    this.#version = version;
    this.#kinds = new Map(kinds.map((kind) => [kind.name, kind]));
    this.#served = served;
  }

  /** By name, sorted. */
  all(): JsonObject {
    return sortKeys(Object.fromEntries(this.#found));
  }

  /** A reference to the schema of `struct`, which is then part of the document. */
  refTo(struct: AnyStruct): JsonObject {
    if (!this.#found.has(struct.name)) {
      // The name is known before the schema is: a struct may contain itself.
      this.#found.set(struct.name, {});
      this.#found.set(struct.name, this.#schemaOf(struct));
    }
    return this.#ref(struct.name);
  }

  refToList(kind: ResourceKind): JsonObject {
    const name = listSchemaName(kind);
    if (!this.#found.has(name)) {
      const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
      const items = { ...(kind.isCustom === true && { description: `List of ${kind.plural}. More info: ${conventions}` }), type: 'array', items: this.refTo(kind) };
      const metadata = this.#value(this.refTo(ListMeta), kind.isCustom === true ? undefined : {});
      this.#found.set(name, {
        ...(kind.isCustom === true && { description: `${kind.listKind} is a list of ${kind.kind}` }),
        type: 'object',
        required: ['items'],
        properties: { apiVersion: { type: 'string' }, items, kind: { type: 'string' }, metadata },
        'x-kubernetes-group-version-kind': [gvk(kind, kind.listKind)],
        ...kind.atRunTime?.listExtensions,
      });
    }
    return this.#ref(name);
  }

  refToPatch(): JsonObject {
    return this.#opaque(patchName, { type: 'object' });
  }

  #schemaOf(declared: AnyStruct): JsonObject {
    if (declared.atRunTime !== undefined) {
      const schema = declared.atRunTime.openApi(this.#version, () => this.#value(this.refTo(TemplateMeta), undefined));
      return { ...schema, 'x-kubernetes-group-version-kind': this.#namesOf(declared) };
    }
    const properties: Record<string, JsonObject> = {};
    const required: string[] = [];
    for (const [key, field] of declared.fields) {
      properties[key] = this.#property(field);
      if (field.options.required === true) required.push(key);
    }
    const names = this.#namesOf(declared);
    return {
      type: 'object',
      ...(declared.fields.size > 0 && { properties: sortKeys(properties) }),
      ...(required.length > 0 && { required }),
      ...(declared.atomic && { 'x-kubernetes-map-type': 'atomic' }),
      ...(declared.union !== undefined && { 'x-kubernetes-unions': [publishedUnion(declared.union)] }),
      ...(names.length > 0 && { 'x-kubernetes-group-version-kind': names }),
    };
  }

  #namesOf(declared: AnyStruct): readonly JsonObject[] {
    const kind = this.#kinds.get(declared.name);
    if (kind !== undefined) return [gvk(kind, kind.kind)];
    if (answers.has(declared.name)) return [gvk({ group: '', version: 'v1' }, lastWord(declared.name))];
    if (declared.name === DeleteOptions.name) return this.#served.map((each) => gvk(each, 'DeleteOptions'));
    if (declared.name === WatchEvent.name) return this.#served.map((each) => gvk(each, 'WatchEvent'));
    return [];
  }

  #property(field: Field): JsonObject {
    const { options, type } = field;
    const schema = this.#typed(type);
    const extensions: JsonObject = {
      ...(options.listType !== undefined && { 'x-kubernetes-list-type': options.listType }),
      ...(options.keys !== undefined && { 'x-kubernetes-list-map-keys': options.keys }),
      ...(options.atomic !== undefined && { 'x-kubernetes-map-type': options.atomic ? 'atomic' : 'granular' }),
      ...(options.mergeKey !== undefined && { 'x-kubernetes-patch-merge-key': options.mergeKey }),
      ...(options.patch !== undefined && { 'x-kubernetes-patch-strategy': options.patch }),
    };
    const fallback = this.#version === 3 ? publishedDefault(field) : undefined;
    const said = this.#value(schema, fallback);
    return Object.keys(extensions).length === 0 ? said : { ...(this.#version === 3 ? withSiblings(said) : said), ...extensions };
  }

  #value(schema: JsonObject, fallback: JsonValue | undefined): JsonObject {
    return this.#version === 3 && fallback !== undefined ? { ...withSiblings(schema), default: fallback } : schema;
  }

  #typed(type: FieldType): JsonObject {
    switch (type.is) {
      case 'struct':
        return this.refTo(type.struct());
      case 'list':
        return { type: 'array', items: this.#typed(type.element) };
      case 'map':
        return { type: 'object', additionalProperties: this.#typed(type.element) };
      case 'scalar':
        return type.union === undefined ? this.#scalar(type.scalar) : this.#opaque(eitherNames[type.union.other], {});
    }
  }

  #scalar(scalar: ScalarName): JsonObject {
    switch (scalar) {
      case 'string':
        return { type: 'string' };
      case 'bytes':
        return { type: 'string', format: 'byte' };
      case 'int32':
      case 'int64':
        return { type: 'integer', format: scalar };
      case 'double':
        return { type: 'number', format: 'double' };
      case 'bool':
        return { type: 'boolean' };
      case 'quantity':
        return this.#opaque(`${machinery}.api.resource.Quantity`, this.#version === 3 ? { oneOf: [{ type: 'string' }, { type: 'number' }] } : { type: 'string' });
      case 'intOrString':
        return this.#opaque(`${machinery}.util.intstr.IntOrString`, {
          format: 'int-or-string',
          ...(this.#version === 3 ? { oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type: 'string' }),
        });
      case 'time':
        return this.#opaque(`${machinery}.apis.meta.v1.Time`, { type: 'string', format: 'date-time' });
      case 'microTime':
        return this.#opaque(`${machinery}.apis.meta.v1.MicroTime`, { type: 'string', format: 'date-time' });
      case 'duration':
        return this.#opaque(`${machinery}.apis.meta.v1.Duration`, { type: 'string' });
      case 'raw':
        return this.#opaque(rawName, { type: 'object' });
      case 'fieldsV1':
        return this.#opaque(`${machinery}.apis.meta.v1.FieldsV1`, { type: 'object' });
      case 'json':
        return this.#opaque('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON', {});
    }
  }

  #opaque(name: string, schema: JsonObject): JsonObject {
    if (!this.#found.has(name)) this.#found.set(name, schema);
    return this.#ref(name);
  }
  #ref(name: string): JsonObject {
    return { $ref: `${this.#version === 3 ? '#/components/schemas/' : '#/definitions/'}${name}` };
  }
}

/** Kinds of the API itself, which no resource has. */
const answers: ReadonlySet<string> = new Set([Status, APIGroup, APIGroupList, APIResourceList, APIVersions].map(({ name }) => name));

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

export function listSchemaName(kind: ResourceKind): string {
  return kind.isCustom === true ? kind.name.replace(/[^.]*$/, kind.listKind) : `${kind.name}List`;
}

/** In version 3, nothing may stand beside a `$ref`: so it is wrapped where something has to. */
export function withSiblings(schema: JsonObject): JsonObject {
  return schema['$ref'] === undefined ? schema : { allOf: [schema] };
}

/** The group versions that Kubernetes knows, served or not: in version 2 all of them have delete options. */
export const schemeVersions: readonly GroupVersion[] = [
  ' v1', 'admission.k8s.io v1 v1beta1', 'admissionregistration.k8s.io v1 v1alpha1 v1beta1', 'apiextensions.k8s.io v1 v1beta1', 'apiregistration.k8s.io v1 v1beta1',
  'apps v1 v1beta1 v1beta2', 'authentication.k8s.io v1 v1alpha1 v1beta1', 'authorization.k8s.io v1 v1beta1', 'autoscaling v1 v2', 'batch v1 v1beta1',
  'certificates.k8s.io v1 v1alpha1 v1beta1', 'coordination.k8s.io v1 v1alpha2 v1beta1', 'discovery.k8s.io v1 v1beta1', 'events.k8s.io v1 v1beta1', 'extensions v1beta1',
  'flowcontrol.apiserver.k8s.io v1 v1beta1 v1beta2 v1beta3', 'imagepolicy.k8s.io v1alpha1', 'internal.apiserver.k8s.io v1alpha1', 'networking.k8s.io v1 v1beta1',
  'node.k8s.io v1 v1alpha1 v1beta1', 'policy v1 v1beta1', 'rbac.authorization.k8s.io v1 v1alpha1 v1beta1', 'resource.k8s.io v1 v1alpha3 v1beta1 v1beta2',
  'scheduling.k8s.io v1 v1alpha2 v1beta1', 'storage.k8s.io v1 v1alpha1 v1beta1', 'storagemigration.k8s.io v1beta1',
].flatMap((line) => {
  const [group = '', ...versions] = line.split(' ');
  return versions.map((version) => ({ group, version }));
});

/** Those that its clients know: documents of custom resources name all of these. */
export const clientVersions: readonly GroupVersion[] = schemeVersions.filter(
  ({ group }) => !['admission.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'imagepolicy.k8s.io'].includes(group),
);

const definitions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
/** A choice has no schema, only a name. */
const eitherNames: Readonly<Record<SchemaUnion['other'], string>> = {
  schemas: `${definitions}.JSONSchemaPropsOrArray`, bool: `${definitions}.JSONSchemaPropsOrBool`, strings: `${definitions}.JSONSchemaPropsOrStringArray`,
};

/** The fields by what the discriminator is when they are set. */
function publishedUnion({ discriminator, of }: Union): JsonObject {
  return {
    ...(discriminator !== undefined && { discriminator }),
    'fields-to-discriminateBy': Object.fromEntries(of.map((key) => [key, capital(key)])),
  };
}

/** What Go has where nothing is given: the default that is published, else the zero value of what is always written. */
function publishedDefault({ type, options, value }: Field): JsonValue | undefined {
  if (options.published === true) return options.default;
  if (type.is === 'struct') return value ? {} : undefined;
  const isWritten = (options.required === true && options.omitEmpty !== true) || options.always === true;
  if (!isWritten || options.pointer === true || type.is !== 'scalar') return undefined;
  switch (type.scalar) {
    case 'string':
      return '';
    case 'int32':
    case 'int64':
    case 'double':
      return 0;
    case 'bool':
      return false;
    default:
      return undefined;
  }
}
