/** Who owns which field of a custom resource that is written in several versions. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { seededRandom } from '#base/random.ts';
import type { RawAnswer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { startConversionWebhook } from '../support/conversion-webhook.ts';
import { shared } from '../support/shared.ts';

type Json = Record<string, unknown>;

const api = shared(() => startApiServer());
const webhook = shared(() => startConversionWebhook(convert));

/** v1 has `colour` and `hostPort`, v2 `color`, `host` and `port`. */
function convert({ spec, ...object }: Json, apiVersion: string): Json {
  const { colour, color, hostPort, host, port, ...others } = (spec ?? {}) as Readonly<Record<string, string>>;
  const [left, right] = (hostPort ?? '').split(':');
  const [h, p] = [host ?? left ?? '', port ?? right ?? ''];
  const both = colour ?? color;
  const converted = apiVersion.endsWith('/v1')
    ? { ...others, ...(both !== undefined && { colour: both }), ...(h + p !== '' && { hostPort: `${h}:${p}` }) }
    : { ...others, ...(both !== undefined && { color: both }), ...(h !== '' && { host: h }), ...(p !== '' && { port: p }) };
  return { ...object, spec: converted };
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const text = { type: 'string' };
const stores = { v1: { colour: text, hostPort: text, replicas: { type: 'integer' }, size: { type: 'integer' }, tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' } }, v2: { color: text, host: text, port: text, replicas: { type: 'integer' }, size: { type: 'integer' }, tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' } } };

interface Host extends Json {
  readonly spec: Json;
  readonly metadata: { readonly resourceVersion: string; readonly managedFields: readonly Entry[] };
}
interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly fieldsV1: { readonly 'f:spec'?: Json };
}

class Hosts {
  readonly group: string;

  constructor(group: string) {
    this.group = group;
  }

  at(version: string, name: string): string {
    return `/apis/${this.group}/${version}/namespaces/default/hosts/${name}`;
  }

  object(version: string, name: string, spec: Json, more: object = {}): Json {
    return { apiVersion: `${this.group}/${version}`, kind: 'Host', metadata: { name, ...more }, spec };
  }

  apply(version: string, name: string, manager: string, spec: Json, force = false): Promise<RawAnswer> {
    return api().request('PATCH', `${this.at(version, name)}?fieldManager=${manager}&force=${force}`, { body: this.object(version, name, spec), headers: { 'content-type': 'application/apply-patch+yaml' } });
  }

  merge(version: string, name: string, manager: string, spec: Json): Promise<RawAnswer> {
    return api().request('PATCH', `${this.at(version, name)}?fieldManager=${manager}`, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } });
  }

  create(version: string, name: string, manager: string, spec: Json): Promise<RawAnswer> {
    return api().request('POST', `/apis/${this.group}/${version}/namespaces/default/hosts?fieldManager=${manager}`, { body: this.object(version, name, spec) });
  }

  async get(version: string, name: string): Promise<Host> {
    return (await api().request('GET', this.at(version, name))).json<Host>();
  }

  /** `manager operation version: fields` of each entry. */
  async owners(name: string): Promise<readonly string[]> {
    const { metadata } = await this.get('v1', name);
    return metadata.managedFields.map(({ manager, operation, apiVersion, fieldsV1 }) => `${manager} ${operation} ${apiVersion.slice(this.group.length + 1)}: ${Object.keys(fieldsV1['f:spec'] ?? {}).filter((key) => key !== '.').map((key) => key.slice(2)).toSorted().join(' ')}`).toSorted();
  }
}

async function define(name: string, conversion: object, versions: Readonly<Record<string, object>>): Promise<Hosts> {
  const group = `${name}.example.com`;
  const answer = await api().request('POST', definitions, { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `hosts.${group}` },
    spec: {
      group, scope: 'Namespaced', names: { plural: 'hosts', kind: 'Host' }, conversion,
      versions: Object.entries(versions).map(([version, properties]) => ({
        name: version, served: true, storage: version === 'v1', schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
      })),
    },
  } });
  assert.equal(answer.code, 201, answer.text);
  const hosts = new Hosts(group);
  while ((await api().request('GET', `/apis/${group}/v2/namespaces/default/hosts`)).code !== 200);
  return hosts;
}

function done(answer: RawAnswer): RawAnswer {
  assert.ok(answer.code < 300, answer.text);
  return answer;
}

describe('fields of versions that a webhook converts', { concurrency: false }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await define('webhook', { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: webhook().url, caBundle: webhook().caBundle } } }, stores);
  });

  it('are owned in the version of the request', async () => {
    done(await hosts.create('v2', 'a', 'ann', { host: 'h', port: '1', color: 'red' }));
    assert.deepEqual(await hosts.owners('a'), ['ann Update v2: color host port']);
    done(await hosts.merge('v1', 'a', 'bob', { replicas: 1 }));
    assert.deepEqual(await hosts.owners('a'), ['ann Update v2: color host port', 'bob Update v1: replicas']);
  });

  it('are lost to whoever changes them in another version, and only those', async () => {
    done(await hosts.create('v2', 'b', 'ann', { host: 'h', port: '1', color: 'red' }));
    done(await hosts.merge('v1', 'b', 'bob', { hostPort: 'h:2' }));
    assert.deepEqual(await hosts.owners('b'), ['ann Update v2: color host', 'bob Update v1: hostPort']);
    const { apiVersion, kind, metadata } = await hosts.get('v1', 'b');
    done(await api().request('PUT', `${hosts.at('v1', 'b')}?fieldManager=eve`, { body: { apiVersion, kind, metadata, spec: { hostPort: 'h:2', colour: 'blue' } } }));
    assert.deepEqual(await hosts.owners('b'), ['ann Update v2: host', 'bob Update v1: hostPort', 'eve Update v1: colour']);
    done(await hosts.merge('v2', 'b', 'eve', { color: null }));
    assert.deepEqual(await hosts.owners('b'), ['ann Update v2: host', 'bob Update v1: hostPort']);
  });

  it('are kept by one manager in two versions, until it changes them', async () => {
    done(await hosts.create('v1', 'c', 'ann', { colour: 'red' }));
    done(await hosts.merge('v2', 'c', 'ann', { replicas: 2 }));
    assert.deepEqual(await hosts.owners('c'), ['ann Update v1: colour', 'ann Update v2: replicas']);
    done(await hosts.merge('v2', 'c', 'ann', { color: 'blue' }));
    assert.deepEqual(await hosts.owners('c'), ['ann Update v1: ', 'ann Update v2: color replicas'], 'of what was made in v1 the spec itself is left');
  });

  it('conflict between versions, as fields of their owner', async () => {
    done(await hosts.apply('v1', 'd', 'ann', { colour: 'red', replicas: 1 }));
    done(await hosts.apply('v2', 'd', 'bob', { color: 'red' }));
    assert.deepEqual(await hosts.owners('d'), ['ann Apply v1: colour replicas', 'bob Apply v2: color'], 'who states what is so shares it');
    const refused = await hosts.apply('v2', 'd', 'bob', { color: 'blue' });
    assert.equal(refused.code, 409);
    const { message, details } = refused.json<{ readonly message: string; readonly details: { readonly causes: readonly object[] } }>();
    assert.equal(message, 'Apply failed with 1 conflict: conflict with "ann": .spec.colour');
    assert.deepEqual(details.causes, [{ reason: 'FieldManagerConflict', message: 'conflict with "ann"', field: '.spec.colour' }]);
    done(await hosts.merge('v2', 'd', 'eve', { port: '1' }));
    const another = await hosts.apply('v1', 'd', 'ann', { colour: 'red', replicas: 1, hostPort: ':2' });
    assert.equal(another.json()['message'], `Apply failed with 1 conflict: conflict with "eve" using ${hosts.group}/v2: .spec.port`);
  });

  it('are taken over by force', async () => {
    done(await hosts.apply('v1', 'e', 'ann', { colour: 'red', replicas: 1 }));
    done(await hosts.apply('v2', 'e', 'bob', { color: 'blue' }, true));
    assert.deepEqual(await hosts.owners('e'), ['ann Apply v1: replicas', 'bob Apply v2: color']);
    assert.deepEqual((await hosts.get('v1', 'e')).spec, { colour: 'blue', replicas: 1 });
  });

  it('go when their manager goes over to another version and states them no longer', async () => {
    done(await hosts.apply('v1', 'f', 'ann', { colour: 'red', replicas: 1, hostPort: 'h:1' }));
    done(await hosts.apply('v2', 'f', 'ann', { color: 'red', host: 'h', port: '1' }));
    assert.deepEqual(await hosts.owners('f'), ['ann Apply v2: color host port'], 'who applies does so in one version at a time');
    assert.deepEqual((await hosts.get('v2', 'f')).spec, { color: 'red', host: 'h', port: '1' });
    done(await hosts.apply('v1', 'f', 'ann', { hostPort: 'h:1' }));
    assert.deepEqual((await hosts.get('v2', 'f')).spec, { host: 'h', port: '1' });
  });

  it('go in part where a field of one version is several of another', async () => {
    done(await hosts.apply('v1', 'p', 'eve', { colour: 'red', hostPort: 'h:2' }));
    done(await hosts.merge('v2', 'p', 'ann', { color: 'blue' }));
    done(await hosts.apply('v2', 'p', 'bob', { size: 1, port: '1' }, true));
    done(await hosts.apply('v1', 'p', 'bob', { colour: 'blue' }));
    assert.deepEqual((await hosts.get('v1', 'p')).spec, { colour: 'blue', hostPort: 'h:' });
  });

  it('stay when somebody else owns them in another version', async () => {
    done(await hosts.apply('v1', 'g', 'ann', { colour: 'red', replicas: 1, tags: ['a', 'b'] }));
    done(await hosts.apply('v2', 'g', 'bob', { color: 'red', tags: ['b', 'c'] }));
    done(await hosts.apply('v1', 'g', 'ann', { replicas: 1, tags: ['a'] }));
    assert.deepEqual(await hosts.owners('g'), ['ann Apply v1: replicas tags', 'bob Apply v2: color tags']);
    assert.deepEqual((await hosts.get('v1', 'g')).spec, { colour: 'red', replicas: 1, tags: ['a', 'b', 'c'] });
    done(await hosts.apply('v2', 'g', 'bob', { tags: ['c'] }));
    assert.deepEqual((await hosts.get('v1', 'g')).spec, { replicas: 1, tags: ['a', 'c'] });
  });

  it('are nobody\'s when their version is no more', async () => {
    const own = await define('gone', { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: webhook().url, caBundle: webhook().caBundle } } }, { ...stores, v3: stores.v2 });
    done(await own.apply('v3', 'a', 'ann', { color: 'red' }));
    done(await own.apply('v2', 'a', 'bob', { port: '1' }));
    const definition = (await api().request('GET', `${definitions}/hosts.${own.group}`)).json<{ readonly spec: { readonly versions: readonly { readonly name: string }[] } }>();
    done(await api().request('PUT', `${definitions}/hosts.${own.group}`, { body: { ...definition, spec: { ...definition.spec, versions: definition.spec.versions.filter(({ name }) => name !== 'v3') } } }));
    while ((await api().request('GET', own.at('v3', 'a'))).code !== 404);
    done(await own.merge('v1', 'a', 'eve', { replicas: 1 }));
    assert.deepEqual(await own.owners('a'), ['bob Apply v2: port', 'eve Update v1: replicas']);
  });

  it('cannot be written while the webhook fails', async () => {
    done(await hosts.create('v2', 'h', 'ann', { host: 'h', port: '1' }));
    const was = await hosts.get('v1', 'h');
    webhook().fail('not today');
    try {
      const refused = await hosts.merge('v1', 'h', 'bob', { hostPort: 'h:2' });
      assert.deepEqual([refused.code, /not today/.test(refused.text)], [500, true]);
    } finally {
      webhook().fail(undefined);
    }
    assert.deepEqual(await hosts.get('v1', 'h'), was);
  });
});

describe('fields of versions that differ by name only', { concurrency: false }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await define('none', { strategy: 'None' }, { v1: { ...stores.v1, ...stores.v2 }, v2: { ...stores.v1, ...stores.v2 } });
  });

  it('are owned in the version of the request, conflict, and are taken over', async () => {
    done(await hosts.apply('v1', 'a', 'ann', { colour: 'red', replicas: 1 }));
    done(await hosts.merge('v2', 'a', 'bob', { port: '1' }));
    assert.deepEqual(await hosts.owners('a'), ['ann Apply v1: colour replicas', 'bob Update v2: port']);
    const refused = await hosts.apply('v2', 'a', 'eve', { colour: 'blue', port: '2' });
    assert.equal(refused.json()['message'], `Apply failed with 2 conflicts: conflicts with "ann":\n- .spec.colour\nconflicts with "bob" using ${hosts.group}/v2:\n- .spec.port`);
    done(await hosts.apply('v2', 'a', 'eve', { colour: 'blue', port: '2' }, true));
    assert.deepEqual(await hosts.owners('a'), ['ann Apply v1: replicas', 'eve Apply v2: colour port']);
    done(await hosts.merge('v1', 'a', 'ann', { colour: 'green' }));
    assert.deepEqual(await hosts.owners('a'), ['ann Apply v1: replicas', 'ann Update v1: colour', 'eve Apply v2: port']);
  });

  it('go with the version they were stated in', async () => {
    done(await hosts.apply('v1', 'b', 'ann', { colour: 'red', replicas: 1 }));
    done(await hosts.apply('v2', 'b', 'ann', { replicas: 1 }));
    assert.deepEqual([await hosts.owners('b'), (await hosts.get('v1', 'b')).spec], [['ann Apply v2: replicas'], { replicas: 1 }]);
  });
});

describe('fields of built-in kinds with several versions', () => {
  const target = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 };
  const path = (version: string): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;

  it('are owned in the version of the request', async () => {
    const object = (version: string, spec: Json): Json => ({ apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' }, spec });
    const apply = (version: string, manager: string, spec: Json, force = false): Promise<RawAnswer> =>
      api().request('PATCH', `${path(version)}/web?fieldManager=${manager}&force=${force}`, { body: object(version, spec), headers: { 'content-type': 'application/apply-patch+yaml' } });
    done(await apply('v1', 'ann', { ...target, targetCPUUtilizationPercentage: 50 }));
    const refused = await apply('v2', 'bob', { ...target, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }] });
    assert.equal(refused.json()['message'], 'Apply failed with 1 conflict: conflict with "ann": .spec.targetCPUUtilizationPercentage');
    done(await apply('v2', 'bob', { ...target, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }] }, true));
    const { metadata } = (await api().request('GET', `${path('v2')}/web`)).json<Host>();
    assert.deepEqual(metadata.managedFields.map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, Object.keys(fieldsV1['f:spec'] ?? {}).toSorted()]), [
      ['ann', 'autoscaling/v1', ['f:maxReplicas', 'f:scaleTargetRef']], ['bob', 'autoscaling/v2', ['f:maxReplicas', 'f:metrics', 'f:scaleTargetRef']],
    ]);
    assert.equal((await api().request('GET', `${path('v1')}/web`)).json<Host>().spec['targetCPUUtilizationPercentage'], 80);
  });
});

describe('applies of built-in kinds by anybody in any version', () => {
  const random = seededRandom(7);
  const one = <T>(...choices: readonly [T, ...T[]]): T => choices[Math.floor(random.next() * choices.length)] ?? choices[0];
  /** Each part is stated by chance, for managers go over to another version, and leave out what they stated before. */
  const some = (parts: Json): Json => Object.fromEntries(Object.entries(parts).filter(() => random.next() < 0.6));
  const apply = (path: string, body: Json): Promise<RawAnswer> => api().request('PATCH', `${path}?fieldManager=${one('a', 'b')}${one('', '&force=true')}`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body });
  const ordinary = (answer: RawAnswer): void => assert.ok([200, 201, 409, 422].includes(answer.code), answer.text);

  it('are carried out, conflict or are invalid: autoscalers', async () => {
    const target = { scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' } };
    for (let turn = 0; turn < 300; turn++) {
      const version = one('v1', 'v2');
      const own = version === 'v1' ? { targetCPUUtilizationPercentage: one(50, 60) } : { behavior: { scaleDown: { stabilizationWindowSeconds: one(1, 2) } }, metrics: [{ type: 'Resource', resource: { name: one('cpu', 'memory'), target: { type: 'Utilization', averageUtilization: one(50, 60) } } }] };
      const spec = { ...some(target), ...some({ maxReplicas: one(3, 4), minReplicas: one(1, 2), ...own }) };
      ordinary(await apply(`/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/any`, { apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'any', ...some({ labels: some({ x: one('1', '2'), y: '1' }) }) }, ...some({ spec }) }));
    }
  });

  it('are carried out, conflict or are invalid: events', async () => {
    for (let turn = 0; turn < 300; turn++) {
      const isCore = random.next() < 0.5;
      const object = { kind: 'Pod', namespace: 'default', name: 'p' };
      const own = isCore ? { involvedObject: object, message: one('m', 'n'), reportingComponent: 'c', count: one(1, 2), firstTimestamp: '2026-01-01T00:00:00Z' } : { regarding: object, note: one('m', 'n'), reportingController: 'c', deprecatedCount: one(1, 2), eventTime: '2026-01-01T00:00:00.000000Z' };
      const event = { kind: 'Event', metadata: { name: 'any' }, ...some({ ...own, reason: one('R', 'S'), type: 'Normal', action: 'Act', reportingInstance: 'i' }) };
      ordinary(await apply(isCore ? '/api/v1/namespaces/default/events/any' : '/apis/events.k8s.io/v1/namespaces/default/events/any', { apiVersion: isCore ? 'v1' : 'events.k8s.io/v1', ...event }));
    }
  });
});
