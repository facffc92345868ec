/** Requests of every sort: verbs, paths, queries, bodies and patches in all media types. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { encodeCbor } from '#apimachinery/cbor.ts';
import { encodeProtobuf, sealEnvelope } from '#apimachinery/protobuf.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { configMap, pod } from '../api/bodies.ts';
import type { LoadRequest } from '../http-load.ts';
import type { Dice } from './dice.ts';
import { generateStruct, mutate, names, namespaces, oddScalar, oddString, oddValue } from './generate-value.ts';

/** A request and what it is about. */
export interface FuzzRequest extends LoadRequest {
  readonly what: string;
}

/** Subresources that leave for a node, which there is none of. */
const toNodes = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** Objects that are accepted as they are, so that what lies behind validation is reached too. */
const seeds: Readonly<Record<string, JsonObject>> = {
  ConfigMap: configMap(0) as JsonObject,
  Pod: pod(0) as JsonObject,
  Service: { spec: { selector: { app: 'x' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] } },
  Deployment: workload({ replicas: 1, selector: { matchLabels: { app: 'x' } } }),
  ReplicaSet: workload({ replicas: 1, selector: { matchLabels: { app: 'x' } } }),
  StatefulSet: workload({ serviceName: 'x', selector: { matchLabels: { app: 'x' } } }),
  DaemonSet: workload({ selector: { matchLabels: { app: 'x' } } }),
  Job: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'nginx' }] } } } },
  Secret: { data: { key: 'aGFsbG8=' }, type: 'Opaque' },
  Ingress: { spec: { rules: [{ host: 'x.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'x', port: { number: 80 } } } }] } }] } },
  NetworkPolicy: { spec: { podSelector: {}, policyTypes: ['Ingress'] } },
  PodDisruptionBudget: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } } },
  Role: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  PersistentVolumeClaim: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
};

function workload(spec: JsonObject): JsonObject {
  return { spec: { ...spec, template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } } } };
}

export function generateRequest(dice: Dice, kinds: readonly ResourceKind[]): FuzzRequest {
  const kind = dice.pick(kinds);
  const namespace = dice.pick(namespaces);
  const name = dice.chance(0.05) ? oddString(dice) : dice.pick(names);
  const collection = collectionPath(kind, namespace);
  const object = `${collection}/${encodeURIComponent(name.toWellFormed())}`;
  const sort = dice.weighted({ create: 24, update: 14, patch: 22, get: 8, list: 10, remove: 8, removeAll: 2, subresource: 6, watch: 2, path: 4 });
  const make = (request: LoadRequest): FuzzRequest => ({ ...request, what: `${sort} ${kind.kind}` });
  switch (sort) {
    case 'create':
      return make({ method: 'POST', path: `${collection}${writeQuery(dice)}`, ...body(dice, kind, name, namespace) });
    case 'update':
      return make({ method: 'PUT', path: `${object}${writeQuery(dice)}`, ...body(dice, kind, name, namespace) });
    case 'patch':
      return make({ method: 'PATCH', path: `${object}${writeQuery(dice)}`, ...patch(dice, kind, name) });
    case 'get':
      return make({ method: 'GET', path: `${object}${readQuery(dice, kind)}`, headers: { accept: accept(dice) } });
    case 'list':
      return make({ method: 'GET', path: `${dice.chance(0.3) ? collectionPath(kind, '') : collection}${readQuery(dice, kind)}`, headers: { accept: accept(dice) } });
    case 'remove':
      return make({ method: 'DELETE', path: `${object}${writeQuery(dice)}`, ...(dice.chance(0.5) && { body: deleteOptions(dice) }) });
    case 'removeAll':
      return make({ method: 'DELETE', path: `${collection}${readQuery(dice, kind)}`, ...(dice.chance(0.3) && { body: deleteOptions(dice) }) });
    case 'subresource':
      return make(subresource(dice, kind, object, name, namespace));
    case 'watch':
      return make({ method: 'GET', path: `${collection}${readQuery(dice, kind, { watch: 'true', timeoutSeconds: '1' })}`, headers: { accept: accept(dice) } });
    case 'path':
      return make({ method: dice.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']), path: oddPath(dice, object) });
  }
}

/** Where objects of a kind are; '' as namespace: of all of them. */
export function collectionPath(kind: ResourceKind, namespace: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return kind.scope === 'Namespaced' && namespace !== '' ? `${root}/namespaces/${namespace}/${kind.plural}` : `${root}/${kind.plural}`;
}

type Writable = Record<string, JsonValue>;

function document(dice: Dice, kind: ResourceKind, name: string, namespace: string, isAsDeclared = false): JsonObject {
  if (isAsDeclared) return { ...generateStruct(dice, kind, 0), apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, ...(kind.scope === 'Namespaced' && { namespace }) } };
  const seed = seeds[kind.kind];
  const content = seed !== undefined && dice.chance(0.6) ? mutate(dice, seed, dice.below(4)) : generateStruct(dice, kind, dice.pick([0, 0, 0.02, 0.1]));
  if (!isJsonObject(content) || dice.chance(0.03)) return { body: content };
  const given = content['metadata'];
  const metadata: Writable = dice.chance(0.3) && isJsonObject(given) ? { ...given } : {};
  if (dice.chance(0.97)) metadata['name'] = name;
  else metadata['generateName'] = dice.pick(names);
  if (kind.scope === 'Namespaced') metadata['namespace'] = namespace;
  // What stands here by chance would make almost every request fail at the first check.
  for (const field of ['resourceVersion', 'uid', 'deletionTimestamp']) if (!dice.chance(0.05)) delete metadata[field];
  // Else objects would pile up that nothing removes.
  if (!dice.chance(0.05)) delete metadata['finalizers'];
  return { ...content, apiVersion: kind.apiVersion, kind: kind.kind, metadata };
}

type Body = Pick<LoadRequest, 'body' | 'headers'>;

function body(dice: Dice, kind: ResourceKind, name: string, namespace: string): Body {
  const format = dice.weighted({ json: 76, protobuf: 8, yaml: 4, cbor: 4, broken: 6, type: 2 });
  const json = document(dice, kind, name, namespace, format === 'protobuf');
  switch (format) {
    case 'json':
      return { body: JSON.stringify(json) };
    case 'yaml':
      return { body: JSON.stringify(json), headers: { 'content-type': 'application/yaml' } };
    case 'cbor':
      return { body: cbor(dice, json), headers: { 'content-type': 'application/cbor' } };
    case 'protobuf':
      return { body: protobuf(dice, kind, json), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } };
    case 'broken':
      return { body: brokenText(dice, JSON.stringify(json)) };
    case 'type':
      return { body: JSON.stringify(json), headers: { 'content-type': dice.pick(['text/plain', 'application/xml', ';', 'application/json; charset=x', 'application/cbor']) } };
  }
}

function cbor(dice: Dice, json: JsonObject): Uint8Array {
  const bytes = encodeCbor(json);
  if (dice.chance(0.3)) bytes[dice.below(bytes.length)] = dice.below(256);
  return bytes;
}

function protobuf(dice: Dice, kind: ResourceKind, json: JsonObject): Uint8Array {
  const bytes = sealEnvelope({ apiVersion: kind.apiVersion, kind: kind.kind, raw: encodeProtobuf(kind, json) });
  if (dice.chance(0.5)) return bytes;
  const broken = Uint8Array.from(bytes);
  for (let count = 1 + dice.below(4); count > 0 && broken.length > 0; count--) broken[dice.below(broken.length)] = dice.below(256);
  return dice.chance(0.3) ? broken.subarray(0, dice.below(broken.length + 1)) : broken;
}

function brokenText(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(4)) {
    case 0: return text.slice(0, at);
    case 1: return text.slice(0, at) + dice.pick(['{', '}', '"', ',', '\\', '\u0000', 'é', '[', '1e999']) + text.slice(at);
    case 2: return text.replace(/"(\w+)":/, '"$1":1,"$1":');
    default: return `${'['.repeat(dice.pick([1, 100, 10_000]))}${text}`;
  }
}

const patchTypes = ['application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];

function patch(dice: Dice, kind: ResourceKind, name: string): Body {
  const type = dice.chance(0.02) ? 'application/json' : dice.pick(patchTypes);
  return { body: JSON.stringify(patchDocument(dice, kind, type, name)), headers: { 'content-type': type } };
}

function patchDocument(dice: Dice, kind: ResourceKind, type: string, name: string): JsonValue {
  if (dice.chance(0.05)) return oddValue(dice);
  const content = document(dice, kind, name, '');
  if (type === 'application/json-patch+json') return Array.from({ length: 1 + dice.below(3) }, () => operation(dice, content));
  const { metadata } = content;
  if (isJsonObject(metadata)) removeKey(metadata, 'namespace');
  if (type === 'application/apply-patch+yaml') return content;
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = content;
  if (type === 'application/strategic-merge-patch+json' && dice.chance(0.4)) return withDirective(dice, rest);
  return rest;
}

function removeKey(object: Writable, key: string): void {
  delete object[key];
}

function operation(dice: Dice, content: JsonObject): JsonValue {
  const op = dice.pick(['add', 'replace', 'remove', 'test', 'move', 'copy', 'odd']);
  return { op, path: pointer(dice, content), ...(dice.chance(0.9) && { value: oddValue(dice) }), ...(dice.chance(0.3) && { from: pointer(dice, content) }) };
}

/** A JSON pointer to a place of the document, or beside it. */
function pointer(dice: Dice, content: JsonValue): string {
  let at: JsonValue = content;
  let path = '';
  while (at !== null && typeof at === 'object' && !dice.chance(0.25)) {
    const keys: readonly string[] = Array.isArray(at) ? [...at.keys()].map(String).concat('-') : Object.keys(at);
    if (keys.length === 0) break;
    const key = dice.chance(0.05) ? JSON.stringify(oddScalar(dice)) : dice.pick(keys);
    path += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    at = (at as JsonObject)[key] ?? null;
  }
  return dice.chance(0.03) ? 'no/pointer' : path;
}

function withDirective(dice: Dice, content: JsonObject): JsonObject {
  const place = Object.values(content).find(isJsonObject);
  const target: Writable = dice.chance(0.5) && place !== undefined ? place : content;
  switch (dice.below(4)) {
    case 0: target['$patch'] = dice.pick(['delete', 'replace', 'merge', 'odd']); break;
    case 1: target['$retainKeys'] = dice.chance(0.8) ? ['name', 'type'] : oddValue(dice); break;
    case 2: target['$deleteFromPrimitiveList/finalizers'] = dice.chance(0.8) ? ['a'] : oddValue(dice); break;
    default: target['$setElementOrder/containers'] = dice.chance(0.8) ? [{ name: 'c' }, { name: 'app' }] : oddValue(dice);
  }
  return content;
}

function subresource(dice: Dice, kind: ResourceKind, object: string, name: string, namespace: string): LoadRequest {
  const known = kind.subresources.map((each) => each.name).filter((each) => !toNodes.has(each));
  const path = `${object}/${dice.chance(0.1) || known.length === 0 ? 'nothing' : dice.pick(known)}`;
  const method = dice.pick(['GET', 'PUT', 'PATCH', 'POST', 'DELETE']);
  if (method === 'GET' || method === 'DELETE') return { method, path };
  if (method === 'PATCH') return { method, path: `${path}${writeQuery(dice)}`, ...patch(dice, kind, name) };
  const odd: JsonObject = {
    apiVersion: dice.pick(['autoscaling/v1', 'policy/v1', 'v1', 'authentication.k8s.io/v1']), kind: dice.pick(['Scale', 'Eviction', 'Binding', 'TokenRequest']),
    metadata: { name, namespace }, spec: dice.chance(0.5) ? { replicas: dice.below(5) } : oddValue(dice), target: { name: 'node-1' },
  };
  return { method, path: `${path}${writeQuery(dice)}`, ...(dice.chance(0.5) ? body(dice, kind, name, namespace) : { body: JSON.stringify(odd) }) };
}

function deleteOptions(dice: Dice): string {
  const options: JsonObject = {
    ...(dice.chance(0.3) && { gracePeriodSeconds: dice.pick([0, 1, 30, -1]) }),
    ...(dice.chance(0.3) && { propagationPolicy: dice.pick(['Orphan', 'Foreground', 'Background', 'Odd']) }),
    ...(dice.chance(0.2) && { preconditions: { uid: oddString(dice).toWellFormed(), resourceVersion: '1' } }),
    ...(dice.chance(0.1) && { dryRun: ['All'] }),
  };
  return JSON.stringify(dice.chance(0.1) ? oddValue(dice) : { apiVersion: 'v1', kind: 'DeleteOptions', ...options });
}

function accept(dice: Dice): string {
  return dice.pick([
    'application/json', 'application/json', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor', 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', '*/*', 'text/html', ';;,',
    'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'application/json;as=Odd',
  ]);
}

function writeQuery(dice: Dice): string {
  return queryText(dice, {
    fieldManager: 0.3, fieldValidation: 0.3, dryRun: 0.1, force: 0.1, gracePeriodSeconds: 0.05, propagationPolicy: 0.05, pretty: 0.05, odd: 0.02,
  }, {
    fieldManager: ['me', 'you', 'a'.repeat(129)], fieldValidation: ['Strict', 'Warn', 'Ignore', 'odd'], dryRun: ['All', 'odd'], force: ['true', 'false', 'odd'],
    gracePeriodSeconds: ['0', '-1', 'x'], propagationPolicy: ['Orphan', 'Background', 'x'], pretty: ['true'], odd: ['1'],
  });
}

const selectors = ['app=x', 'app!=x', 'app in (x,y)', 'app notin (x)', '!app', 'app', 'a=b,c', 'app in (', '=', ',', 'app==x', '()', 'app>1', '\u{1f600}=1', 'app=x,app!=x,', 'x/y/z=1'];

function readQuery(dice: Dice, kind: ResourceKind, fixed: Readonly<Record<string, string>> = {}): string {
  const fields = ['metadata.name', 'metadata.namespace', ...Object.keys(kind.selectableFields), 'spec.odd'];
  return queryText(dice, {
    labelSelector: 0.2, fieldSelector: 0.2, resourceVersion: 0.15, resourceVersionMatch: 0.1, limit: 0.2, continue: 0.05, sendInitialEvents: 0.05, allowWatchBookmarks: 0.05, includeObject: 0.05, odd: 0.02,
  }, {
    labelSelector: selectors,
    fieldSelector: [`${dice.pick(fields)}=${dice.pick(names)}`, `${dice.pick(fields)}!=${dice.pick(names)}`, 'a', '=', ',,', `${dice.pick(fields)}==`],
    // A revision of the far future only makes the server wait, as upstream's does.
    resourceVersion: ['0', '1', '5', '-1', 'x', '1.5', ''],
    resourceVersionMatch: ['Exact', 'NotOlderThan', 'odd'], limit: ['1', '0', '-1', 'x', '500', '1e9'],
    continue: ['x', Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"/registry/"}').toString('base64url'), Buffer.from('{}').toString('base64url')],
    sendInitialEvents: ['true', 'false', 'x'], allowWatchBookmarks: ['true'], includeObject: ['None', 'Object', 'x'], odd: ['1'],
  }, fixed);
}

function queryText<K extends string>(dice: Dice, shares: Readonly<Record<K, number>>, values: Readonly<Record<K, readonly string[]>>, fixed: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(fixed);
  for (const [key, share] of Object.entries(shares) as [K, number][]) if (dice.chance(share)) query.append(key, dice.chance(0.03) ? oddString(dice) : dice.pick(values[key]));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function oddPath(dice: Dice, path: string): string {
  switch (dice.below(7)) {
    case 0: return path.replaceAll('/', '//');
    case 1: return `${path}/${encodeURIComponent(oddString(dice).toWellFormed())}/x`;
    case 2: return path.slice(0, dice.below(path.length) + 1);
    case 3: return `${path}%`;
    case 4: return `/apis/${encodeURIComponent(oddString(dice).toWellFormed())}/v1/things`;
    case 5: return dice.pick(['/', '/api', '/apis', '/version', '/openapi/v2', '/openapi/v3', '/metrics', '/api/v1', '/apis/apps', '/apis/apps/v1', '/readyz?verbose', '/livez/ping', '/healthz/etcd', '/api/v1/watch/pods?timeoutSeconds=1', '/.well-known/openid-configuration', '/openid/v1/jwks', '/logs/']);
    default: return `/api/v1/namespaces/${encodeURIComponent(oddString(dice).toWellFormed())}/pods/${encodeURIComponent(oddString(dice).toWellFormed())}`;
  }
}
