/** What most behaviours ask of an API: that every verb of a resource does what it says, and that watchers see it. */
import assert from 'node:assert/strict';
import type { RawAnswer, TestApiServer, WatchLine } from '../support/api-server.ts';

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string; readonly namespace?: string; readonly uid: string; readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>>; readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

export interface ResourceUnderTest {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  /** Undefined: of the cluster. */
  readonly namespace?: string;
  /** Everything but apiVersion, kind, name and labels. */
  readonly make: (name: string) => object;
  readonly names?: readonly string[];
  /** A merge patch of the status, and what must be seen afterwards. */
  readonly status?: object;
}

/** How tests speak to the API: JSON over HTTPS, as the administrator. */
export class ResourceApi {
  readonly collection: string;
  readonly groupPath: string;
  readonly #api: TestApiServer;
  readonly #what: ResourceUnderTest;

  constructor(api: TestApiServer, what: ResourceUnderTest) {
    this.#api = api;
    this.#what = what;
    this.groupPath = what.group === '' ? `/api/${what.version}` : `/apis/${what.group}/${what.version}`;
    this.collection = `${this.groupPath}${what.namespace === undefined ? '' : `/namespaces/${what.namespace}`}/${what.resource}`;
  }

  async create(name: string, labels: Record<string, string> = {}): Promise<ApiObject> {
    const { group, version, kind } = this.#what;
    const made = this.#what.make(name) as { metadata?: object };
    const body = { apiVersion: group === '' ? version : `${group}/${version}`, kind, ...made, metadata: { ...made.metadata, name, labels } };
    return ok(await this.#api.request('POST', this.collection, { body }), 201);
  }
  async get(name: string, subresource = ''): Promise<ApiObject> {
    return ok(await this.#api.request('GET', `${this.collection}/${name}${subresource}`));
  }
  async isThere(name: string): Promise<boolean> {
    const { code } = await this.#api.request('GET', `${this.collection}/${name}`);
    return code === 200;
  }
  async list(query: string, path = this.collection): Promise<readonly ApiObject[]> {
    return (ok(await this.#api.request('GET', `${path}?${query}`)) as unknown as { items: ApiObject[] }).items;
  }
  async everywhere(query: string): Promise<readonly ApiObject[]> {
    return this.list(query, `${this.groupPath}/${this.#what.resource}`);
  }
  async patch(name: string, body: object, subresource = ''): Promise<ApiObject> {
    return ok(await this.#api.request('PATCH', `${this.collection}/${name}${subresource}`, { body, headers: { 'content-type': 'application/merge-patch+json' } }));
  }
  async update(object: ApiObject, subresource = ''): Promise<ApiObject> {
    return ok(await this.#api.request('PUT', `${this.collection}/${object.metadata.name}${subresource}`, { body: object }));
  }
  async delete(name: string, options?: object): Promise<void> {
    ok(await this.#api.request('DELETE', `${this.collection}/${name}`, options === undefined ? {} : { body: options }));
  }
  async deleteCollection(query: string): Promise<void> {
    ok(await this.#api.request('DELETE', `${this.collection}?${query}`));
  }
  watch(query: string): AsyncGenerator<WatchLine, void> {
    return this.#api.watch(`${this.collection}?watch=true&${query}`);
  }
  async version(): Promise<string> {
    return (ok(await this.#api.request('GET', this.collection)) as unknown as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  }
}

export function ok(answer: RawAnswer, code = 200): ApiObject {
  assert.ok(answer.code === code || (code === 200 && (answer.code === 201 || answer.code === 202)), `${answer.code}: ${answer.text}`);
  return answer.json<ApiObject & Record<string, unknown>>();
}

/** Reads events until one of this type about this object comes. */
export async function seen(stream: AsyncGenerator<WatchLine, void>, type: WatchLine['type'], name: string): Promise<WatchLine> {
  for (;;) {
    const { value, done } = await stream.next();
    assert.ok(done !== true, `the watch ended before ${type} ${name}`);
    if (value.type === type && value.object.metadata.name === name) return value;
  }
}

/** That the group, its version and the resource with its verbs are found by discovery. */
export async function checkDiscovery(api: TestApiServer, { group, version, resource }: ResourceUnderTest, subresources: readonly string[] = []): Promise<void> {
  if (group !== '') {
    const groups = (await api.request('GET', '/apis')).json<{ groups: { name: string; versions: { version: string }[] }[] }>().groups;
    assert.ok(groups.find((each) => each.name === group)?.versions.some((each) => each.version === version), `${group}/${version} is not in /apis`);
    const one = (await api.request('GET', `/apis/${group}`)).json<{ versions: { version: string }[] }>();
    assert.ok(one.versions.some((each) => each.version === version));
  }
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const { resources } = (await api.request('GET', path)).json<{ resources: { name: string; verbs: string[] }[] }>();
  const found = resources.find((each) => each.name === resource);
  for (const verb of ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']) assert.ok(found?.verbs.includes(verb), `${resource} has no verb ${verb}`);
  for (const each of subresources) assert.ok(resources.some(({ name }) => name === `${resource}/${each}`), `${resource}/${each} is not there`);
}

/** Every verb once, in the order in which the original's tests go. Leaves nothing behind. */
export async function checkApiOperations(api: TestApiServer, what: ResourceUnderTest): Promise<void> {
  await checkDiscovery(api, what, what.status === undefined ? [] : ['status']);
  const resource = new ResourceApi(api, what);
  const label = `labelSelector=special-label%3D${what.resource}`;
  const labels = { 'special-label': what.resource };
  const [first = '', second = '', third = ''] = what.names ?? ['first', 'second', 'third'].map((each) => `${what.resource}-${each}`);

  const stream = resource.watch(`${label}&resourceVersion=${await resource.version()}`);
  const made = await resource.create(first, labels);
  await resource.create(second, labels);
  await resource.create(third, labels);
  assert.equal((await resource.get(first)).metadata.uid, made.metadata.uid);
  assert.equal((await resource.list(label)).length, 3);
  if (what.namespace !== undefined) assert.equal((await resource.everywhere(label)).length, 3);
  await seen(stream, 'ADDED', first);

  const patched = await resource.patch(first, { metadata: { annotations: { patched: 'true' } } });
  assert.equal(patched.metadata.annotations?.['patched'], 'true');
  await seen(stream, 'MODIFIED', first);
  const updated = await resource.update({ ...patched, metadata: { ...patched.metadata, annotations: { ...patched.metadata.annotations, updated: 'true' } } });
  assert.deepEqual([updated.metadata.annotations?.['patched'], updated.metadata.annotations?.['updated']], ['true', 'true']);
  await seen(stream, 'MODIFIED', first);

  if (what.status !== undefined) {
    assert.equal((await resource.get(first, '/status')).metadata.uid, made.metadata.uid);
    const withStatus = await resource.patch(first, { metadata: { annotations: { 'patched-status': 'true' } }, status: what.status }, '/status');
    assertIncludes(withStatus['status'], what.status);
    const again = await resource.update(withStatus, '/status');
    assertIncludes(again['status'], what.status);
  }

  await resource.delete(first);
  await seen(stream, 'DELETED', first);
  await stream.return();
  assert.equal(await resource.isThere(first), false);
  await resource.deleteCollection(label);
  assert.deepEqual(await resource.list(label), []);
}

/** A life with watchers: created, patched, found by its label everywhere, updated, deleted. */
export async function checkLifecycle(api: TestApiServer, what: ResourceUnderTest, change: { readonly patch: object; readonly update?: (object: ApiObject) => object }): Promise<void> {
  const resource = new ResourceApi(api, what);
  const name = what.names?.[0] ?? `${what.resource}-lifecycle`;
  const labels = { 'test-static': 'true', life: what.resource };
  const query = `labelSelector=test-static%3Dtrue,life%3D${what.resource}`;
  const stream = resource.watch(`${query}&resourceVersion=${await resource.version()}`);
  const made = await resource.create(name, labels);
  assert.deepEqual((await seen(stream, 'ADDED', name)).object.metadata.labels, { ...made.metadata.labels });
  const patched = await resource.patch(name, change.patch);
  assertIncludes(patched, change.patch);
  await seen(stream, 'MODIFIED', name);
  assertIncludes(await resource.get(name), change.patch);
  assert.deepEqual((await (what.namespace === undefined ? resource.list(query) : resource.everywhere(query))).map((each) => each.metadata.name), [name]);
  if (change.update !== undefined) {
    const wanted = change.update(patched);
    assertIncludes(await resource.update({ ...patched, ...wanted }), wanted);
    await seen(stream, 'MODIFIED', name);
  }
  await resource.deleteCollection(query);
  await seen(stream, 'DELETED', name);
  await stream.return();
  assert.deepEqual(await resource.list(query), []);
}

/** That everything that is said of `wanted` is true of `found`. */
function assertIncludes(found: unknown, wanted: unknown): void {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) {
    assert.deepEqual(found, wanted);
    return;
  }
  for (const [key, value] of Object.entries(wanted)) {
    if (key === 'resourceVersion' || key === 'generation' || key === 'managedFields') continue;
    assertIncludes((found as Record<string, unknown> | undefined)?.[key], value);
  }
}
