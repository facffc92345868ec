import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { PodTemplate } from '#api/core/pod-template.ts';
import type { RawAnswer, TestApiServer, WatchLine } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { ResourceApi, ok, seen } from './api-operations.ts';
import { conformance } from './conformance.ts';

const namespace = 'default';
const configMaps = '/api/v1/namespaces/default/configmaps';

interface List { readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }; readonly items: readonly { readonly metadata: { readonly name: string } }[] }

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

const configMap = (name: string, labels: Record<string, string> = {}): Promise<ConfigMap> => api.client.create(ConfigMap, { metadata: { namespace, name, labels } });
const newest = async (): Promise<string> => (await api.client.list(ConfigMap, { namespace })).metadata.resourceVersion;

describe('conformance: watchers', { concurrency: false }, () => {
  conformance('[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps [Conformance]', async () => {
    const version = await newest();
    const open = (selector: string): AsyncGenerator<WatchLine, void> => api.watch(`${configMaps}?watch=true&resourceVersion=${version}&labelSelector=${encodeURIComponent(selector)}`);
    const [a, b, both] = [open('watch=A'), open('watch=B'), open('watch in (A,B)')];
    let first = await configMap('a', { watch: 'A' });
    first = await api.client.update(ConfigMap, { ...first, data: { mutation: '1' } });
    await api.client.update(ConfigMap, { ...first, data: { mutation: '2' } });
    await api.client.delete(ConfigMap, { namespace, name: 'a' });
    await configMap('b', { watch: 'B' });
    await api.client.delete(ConfigMap, { namespace, name: 'b' });
    const take = async (stream: AsyncGenerator<WatchLine, void>, count: number): Promise<string[]> => {
      const lines: string[] = [];
      while (lines.length < count) {
        const { value } = await stream.next();
        lines.push(`${value?.type} ${value?.object.metadata.name}`);
      }
      await stream.return();
      return lines;
    };
    const ofA = ['ADDED a', 'MODIFIED a', 'MODIFIED a', 'DELETED a'];
    const ofB = ['ADDED b', 'DELETED b'];
    assert.deepEqual(await take(a, 4), ofA);
    assert.deepEqual(await take(b, 2), ofB);
    assert.deepEqual(await take(both, 6), [...ofA, ...ofB]);
  });

  conformance('[sig-api-machinery] Watchers should be able to start watching from a specific resource version [Conformance]', async () => {
    const made = await configMap('from-version');
    const once = await api.client.update(ConfigMap, { ...made, data: { mutation: '1' } });
    const twice = await api.client.update(ConfigMap, { ...once, data: { mutation: '2' } });
    await api.client.delete(ConfigMap, { namespace, name: 'from-version' });
    const stream = api.watch(`${configMaps}?watch=true&resourceVersion=${once.metadata.resourceVersion}`);
    assert.equal((await seen(stream, 'MODIFIED', 'from-version')).object.metadata.resourceVersion, twice.metadata.resourceVersion);
    await seen(stream, 'DELETED', 'from-version');
    await stream.return();
  });

  conformance('[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch [Conformance]', async () => {
    const first = api.watch(`${configMaps}?watch=true&resourceVersion=${await newest()}`);
    const made = await configMap('restart');
    const once = await api.client.update(ConfigMap, { ...made, data: { mutation: '1' } });
    await seen(first, 'ADDED', 'restart');
    const { object } = await seen(first, 'MODIFIED', 'restart');
    await first.return();
    const twice = await api.client.update(ConfigMap, { ...once, data: { mutation: '2' } });
    await api.client.delete(ConfigMap, { namespace, name: 'restart' });
    const second = api.watch(`${configMaps}?watch=true&resourceVersion=${object.metadata.resourceVersion}`);
    assert.equal((await seen(second, 'MODIFIED', 'restart')).object.metadata.resourceVersion, twice.metadata.resourceVersion);
    await seen(second, 'DELETED', 'restart');
    await second.return();
  });

  conformance('[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector [Conformance]', async () => {
    const stream = api.watch(`${configMaps}?watch=true&labelSelector=watched%3Dyes&resourceVersion=${await newest()}`);
    const made = await configMap('label-changed', { watched: 'yes' });
    const inside = await api.client.update(ConfigMap, { ...made, data: { mutation: '1' } });
    const outside = await api.client.update(ConfigMap, { ...inside, metadata: { ...inside.metadata, labels: { watched: 'no' } } });
    const unseen = await api.client.update(ConfigMap, { ...outside, data: { mutation: '2' } });
    const back = await api.client.update(ConfigMap, { ...unseen, metadata: { ...unseen.metadata, labels: { watched: 'yes' } } });
    await api.client.delete(ConfigMap, { namespace, name: 'label-changed' });
    const lines: string[] = [];
    while (lines.length < 5) {
      const { value } = await stream.next();
      lines.push(`${value?.type} ${value?.object.metadata.resourceVersion}`);
    }
    await stream.return();
    const version = ({ metadata }: ConfigMap): string => metadata.resourceVersion;
    assert.deepEqual(lines.slice(0, 4), [`ADDED ${version(made)}`, `MODIFIED ${version(inside)}`, `DELETED ${version(outside)}`, `ADDED ${version(back)}`]);
    assert.match(lines[4] ?? '', /^DELETED /);
  });

  conformance('[sig-api-machinery] Watchers should receive events on concurrent watches in same order [Conformance]', async () => {
    const version = await newest();
    const count = 60;
    const versionsFrom = async (from: string, until: number): Promise<string[]> => {
      const stream = api.watch(`${configMaps}?watch=true&resourceVersion=${from}`);
      const versions: string[] = [];
      while (versions.length < until) versions.push((await stream.next()).value?.object.metadata.resourceVersion ?? '');
      await stream.return();
      return versions;
    };
    const first = versionsFrom(version, count);
    for (let index = 0; index < count; index += 3) {
      const made = await configMap(`same-order-${index}`);
      await api.client.update(ConfigMap, { ...made, data: { x: 'y' } });
      await api.client.delete(ConfigMap, { namespace, name: made.metadata.name });
    }
    const versions = await first;
    for (let index = 0; index < count - 1; index += 6) {
      assert.deepEqual(await versionsFrom(versions[index] ?? '', count - 1 - index), versions.slice(index + 1));
    }
  });
});

describe('conformance: lists and tables', { concurrency: false }, () => {
  const templates = '/api/v1/namespaces/default/podtemplates';
  const total = 40;
  before(async () => {
    for (let index = 0; index < total; index++) {
      await api.client.create(PodTemplate, { metadata: { namespace, name: `template-${String(index).padStart(4, '0')}` }, template: { spec: { containers: [{ name: 'test', image: 'test2' }] } } });
    }
  });
  const list = async (query: string): Promise<List> => ok(await api.request('GET', `${templates}?${query}`)) as unknown as List;

  conformance('[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls [Conformance]', async () => {
    let found = 0;
    let version: string | undefined;
    let token: string | undefined = '';
    while (token !== undefined) {
      const page: List = await list(`limit=17&continue=${token}`);
      version ??= page.metadata.resourceVersion;
      assert.equal(page.metadata.resourceVersion, version);
      assert.ok(page.items.length <= 17);
      for (const { metadata } of page.items) assert.equal(metadata.name, `template-${String(found++).padStart(4, '0')}`);
      assert.equal(page.metadata.remainingItemCount ?? 0, total - found);
      token = page.metadata.continue;
    }
    assert.equal(found, total);
    assert.equal((await list('')).items.length, total);
  });

  conformance('[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow] [Conformance]', async () => {
    const first = await list('limit=10');
    await configMap('moves-on');
    await api.store.compact(await api.store.revision());
    const refused = await api.request('GET', `${templates}?limit=10&continue=${first.metadata.continue}`);
    assert.equal(refused.code, 410, refused.text);
    const { metadata, reason } = refused.json<{ reason: string; metadata: { continue: string } }>();
    assert.equal(reason, 'Expired');
    const second = await list(`limit=10&continue=${metadata.continue}`);
    assert.deepEqual([second.items.length, second.metadata.remainingItemCount, second.items[0]?.metadata.name], [10, total - 20, 'template-0010']);
    let found = 20;
    let token = second.metadata.continue;
    while (token !== undefined) {
      const page: List = await list(`limit=10&continue=${token}`);
      assert.equal(page.metadata.resourceVersion, second.metadata.resourceVersion);
      found += page.items.length;
      token = page.metadata.continue;
    }
    assert.equal(found, total);
  });

  conformance('[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata [Conformance]', async () => {
    const answer = await api.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    assert.equal(answer.code, 406, answer.text);
  });

  conformance('[sig-node] PodTemplates should delete a collection of pod templates [Conformance]', async () => {
    for (const name of ['x1', 'x2', 'x3']) await api.client.create(PodTemplate, { metadata: { namespace, name, labels: { 'podtemplate-set': 'true' } }, template: { spec: { containers: [{ name: 'c', image: 'i' }] } } });
    const query = 'labelSelector=podtemplate-set%3Dtrue';
    assert.equal((await list(query)).items.length, 3);
    ok(await api.request('DELETE', `${templates}?${query}`));
    assert.equal((await list(query)).items.length, 0);
  });
});

describe('conformance: discovery and version', { concurrency: false }, () => {
  interface Groups { groups: { name: string; preferredVersion: { groupVersion: string; version: string }; versions: { groupVersion: string; version: string }[] }[] }
  interface Resources { groupVersion: string; resources: { name: string; kind: string; verbs: string[] }[] }
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

  conformance('[sig-api-machinery] server version should find the server version [Conformance]', async () => {
    const { major, minor } = (await api.request('GET', '/version')).json<{ major: string; minor: string }>();
    assert.match(`${major} ${minor}`, /^\d+ \d+$/);
  });

  conformance('[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup [Conformance]', async () => {
    for (const { name, preferredVersion, versions } of (await api.request('GET', '/apis')).json<Groups>().groups) {
      assert.ok(versions.some((each) => each.groupVersion === preferredVersion.groupVersion && each.version === preferredVersion.version), name);
    }
  });

  conformance('[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup [Conformance]', async () => {
    for (const { versions } of (await api.request('GET', '/apis')).json<Groups>().groups) {
      for (const { groupVersion } of versions) {
        const list = (await api.request('GET', `/apis/${groupVersion}`)).json<Resources>();
        assert.equal(list.groupVersion, groupVersion);
        assert.ok(list.resources.some((each) => each.name !== '' && each.kind !== '' && each.verbs.length > 0), groupVersion);
      }
    }
  });

  conformance('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface [Conformance]', async () => {
    const groups = (await api.request('GET', '/apis', { headers: { accept: aggregated } })).json<{ items: { metadata: { name: string }; versions: { version: string; resources: { resource: string }[] }[] }[] }>().items;
    for (const [group, resource] of [['apps', 'deployments'], ['batch', 'cronjobs'], ['admissionregistration.k8s.io', 'validatingwebhookconfigurations'], ['apiextensions.k8s.io', 'customresourcedefinitions'], ['discovery.k8s.io', 'endpointslices']] as const) {
      assert.ok(groups.find((each) => each.metadata.name === group)?.versions.find((each) => each.version === 'v1')?.resources.some((each) => each.resource === resource), `${group} ${resource}`);
    }
  });

  conformance('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers [Conformance]', async () => {
    for (const path of ['/api', '/apis']) {
      const answer = await api.request('GET', path, { headers: { accept: aggregated } });
      assert.equal(answer.code, 200);
      const { kind, apiVersion } = answer.json<{ kind: string; apiVersion: string }>();
      assert.deepEqual([kind, apiVersion], ['APIGroupDiscoveryList', 'apidiscovery.k8s.io/v2']);
    }
    assert.match((await api.request('GET', '/api', { headers: { accept: aggregated } })).text, /"resource":"pods"/);
  });

  conformance('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents [Conformance]', async () => {
    const groups = (await api.request('GET', '/apis')).json<Groups>().groups;
    assert.ok(groups.find((each) => each.name === 'apiextensions.k8s.io')?.versions.some((each) => each.version === 'v1'));
    assert.ok((await api.request('GET', '/apis/apiextensions.k8s.io')).json<{ versions: { version: string }[] }>().versions.some((each) => each.version === 'v1'));
    assert.ok((await api.request('GET', '/apis/apiextensions.k8s.io/v1')).json<Resources>().resources.some((each) => each.name === 'customresourcedefinitions'));
  });
});

describe('conformance: field validation', { concurrency: false }, () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const head = '"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"strict","labels":{"app":"nginx"}';
  const rest = '"selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}';
  const post = (body: string): Promise<RawAnswer> => api.request('POST', `${deployments}?fieldValidation=Strict`, { body });
  const message = (answer: RawAnswer): string => answer.json<{ message: string }>().message;

  conformance('[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object [Conformance]', async () => {
    const answer = await post(`{${head}},"spec":{"unknownField":"foo","replicas":2,"replicas":3,${rest}}}`);
    assert.equal(answer.code, 400);
    assert.match(message(answer), /strict decoding error: unknown field "spec\.unknownField", duplicate field "spec\.replicas"$/);
    const yaml = await api.request('PATCH', `${deployments}/strict?fieldValidation=Strict&fieldManager=f`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: `{${head}},"spec":{"unknownField":"foo",${rest}}}` });
    assert.ok(yaml.code === 400 || yaml.code === 500, yaml.text);
  });

  conformance('[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object [Conformance]', async () => {
    const answer = await post(`{${head},"unknownMeta":"v"},"spec":{${rest}}}`);
    assert.equal(answer.code, 400);
    assert.match(message(answer), /strict decoding error: unknown field "metadata\.unknownMeta"$/);
  });
});

describe('conformance: namespaces', { concurrency: false }, () => {
  const resource = (): ResourceApi => new ResourceApi(api, { group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace', make: () => ({}) });

  conformance('[sig-api-machinery] Namespaces [Serial] should patch a Namespace [Conformance]', async () => {
    await resource().create('patched');
    await resource().patch('patched', { metadata: { labels: { testLabel: 'testValue' } } });
    assert.equal((await resource().get('patched')).metadata.labels?.['testLabel'], 'testValue');
  });

  conformance('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace [Conformance]', async () => {
    const made = await resource().create('updated');
    const updated = await resource().update({ ...made, metadata: { ...made.metadata, labels: { ...made.metadata.labels, updated: 'yes' } } });
    assert.equal(updated.metadata.labels?.['updated'], 'yes');
  });

  conformance('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status [Conformance]', async () => {
    await resource().create('status');
    const status = (await resource().get('status', '/status'))['status'] as { phase: string };
    assert.equal(status.phase, 'Active');
    const patched = await resource().patch('status', { metadata: { annotations: { e: 'patched' } }, status: { conditions: [{ type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'm' }] } }, '/status');
    assert.match(JSON.stringify(patched['status']), /"StatusPatch"/);
    const conditions = (patched['status'] as { conditions: object[] }).conditions;
    const updated = await resource().update({ ...patched, status: { ...(patched['status'] as object), conditions: [...conditions, { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'm' }] } }, '/status');
    assert.match(JSON.stringify(updated['status']), /"StatusUpdate"/);
  });

  conformance('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace [Conformance]', async () => {
    const made = await resource().create('finalized');
    const fake = 'e2e.example.com/fakeFinalizer';
    const put = async (finalizers: string[]): Promise<string> => JSON.stringify((ok(await api.request('PUT', '/api/v1/namespaces/finalized/finalize', { body: { ...made, metadata: { ...made.metadata, resourceVersion: undefined }, spec: { finalizers } } }))['spec']));
    assert.match(await put(['kubernetes', fake]), /fakeFinalizer/);
    assert.doesNotMatch(await put(['kubernetes']), /fakeFinalizer/);
  });
});

describe('conformance: accounts and access', { concurrency: false }, () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const account = (name: string, more: object = {}): Promise<RawAnswer> => api.request('POST', accounts, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, ...more } });

  conformance('[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]', async () => {
    ok(await account('reviewed'), 201);
    const { status } = ok(await api.request('POST', `${accounts}/reviewed/token`, { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } }), 201) as unknown as { status: { token: string } };
    const review = ok(await api.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: status.token } } }), 201) as unknown as { status: { authenticated: boolean; error?: string } };
    assert.deepEqual([review.status.authenticated, review.status.error ?? ''], [true, '']);
  });

  conformance('[sig-auth] ServiceAccounts should allow opting out of API token automount [Conformance]', async () => {
    ok(await account('mount', { automountServiceAccountToken: true }), 201);
    ok(await account('nomount', { automountServiceAccountToken: false }), 201);
    for (const [name, ofPod, mounted] of [
      ['default', undefined, true], ['mount', undefined, true], ['nomount', undefined, false],
      ['default', true, true], ['mount', true, true], ['nomount', true, true],
      ['default', false, false], ['mount', false, false], ['nomount', false, false],
    ] as const) {
      const made = ok(await api.request('POST', '/api/v1/namespaces/default/pods?dryRun=All', {
        body: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-' }, spec: { serviceAccountName: name, automountServiceAccountToken: ofPod, containers: [{ name: 'c', image: 'i' }] } },
      }), 201) as unknown as { spec: { containers: { volumeMounts?: { mountPath: string }[] }[] } };
      const mounts = made.spec.containers[0]?.volumeMounts ?? [];
      assert.equal(mounts.some((each) => each.mountPath === '/var/run/secrets/kubernetes.io/serviceaccount'), mounted, `${name} ${ofPod}`);
    }
  });

  conformance('[sig-auth] SubjectReview should support SubjectReview API operations [Conformance]', async () => {
    ok(await account('subject'), 201);
    const user = 'system:serviceaccount:default:subject';
    const review = async (path: string, kind: string): Promise<boolean> => (ok(await api.request('POST', path, {
      body: { apiVersion: 'authorization.k8s.io/v1', kind, metadata: { namespace: kind.startsWith('Local') ? namespace : undefined }, spec: { user, resourceAttributes: { verb: 'list', resource: 'configmaps', namespace, version: 'v1' } } },
    }), 201) as unknown as { status: { allowed: boolean } }).status.allowed;
    const asked = async (): Promise<boolean> => (await api.request('GET', configMaps, { headers: { 'Impersonate-User': user } })).code === 200;
    for (const isAllowed of [false, true]) {
      if (isAllowed) {
        ok(await api.request('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
          body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'subject' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'ServiceAccount', name: 'subject', namespace }] },
        }), 201);
      }
      assert.equal(await asked(), isAllowed);
      assert.equal(await review('/apis/authorization.k8s.io/v1/subjectaccessreviews', 'SubjectAccessReview'), isAllowed);
      assert.equal(await review('/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews', 'LocalSubjectAccessReview'), isAllowed);
    }
  });
});

describe('conformance: collections', { concurrency: false }, () => {
  const checkCollection = async (api1: ResourceApi): Promise<void> => {
    const query = 'labelSelector=testevent-set%3Dtrue';
    for (const name of ['t1', 't2', 't3']) await api1.create(name, { 'testevent-set': 'true' });
    await api1.create('t4');
    assert.equal((await api1.list(query)).length, 3);
    await api1.deleteCollection(query);
    assert.deepEqual(await api1.list(query), []);
    assert.equal(await api1.isThere('t4'), true);
    await api1.delete('t4');
  };
  conformance('[sig-instrumentation] Events should delete a collection of events [Conformance]', () => checkCollection(new ResourceApi(api, {
    group: '', version: 'v1', resource: 'events', kind: 'Event', namespace, make: () => ({ message: 'm', reason: 'Test', type: 'Normal', involvedObject: { namespace } }),
  })));
  conformance('[sig-instrumentation] Events API should delete a collection of events [Conformance]', () => checkCollection(new ResourceApi(api, {
    group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespace,
    make: () => ({ eventTime: '2026-01-01T00:00:00.000000Z', note: 'n', reason: 'Test', action: 'Do', type: 'Normal', reportingController: 'c', reportingInstance: 'i', regarding: { namespace } }),
  })));
  conformance('[sig-network] Services should delete a collection of services [Conformance]', () => checkCollection(new ResourceApi(api, {
    group: '', version: 'v1', resource: 'services', kind: 'Service', namespace, make: () => ({ spec: { ports: [{ port: 80 }] } }),
  })));
  conformance('[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets [Conformance]', () => checkCollection(new ResourceApi(api, {
    group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespace, make: () => ({ spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } }),
  })));
});

describe('conformance: the API server as a Service', { concurrency: false }, () => {
  const advertised = '192.0.2.1';
  let own: TestApiServer;
  before(async () => {
    own = await startApiServer({ advertiseAddress: advertised });
  });
  after(() => own.close());
  interface Port { readonly name?: string; readonly port: number; readonly protocol?: string }

  conformance('[sig-network] API Server should provide secure master service [Conformance]', async () => {
    const { spec } = ok(await own.request('GET', '/api/v1/namespaces/default/services/kubernetes')) as unknown as { spec: { clusterIP: string; ports: Port[] } };
    assert.equal(spec.clusterIP, '10.96.0.1');
    assert.ok(spec.ports.some((each) => each.port === 443 && each.name === 'https'));
  });
  conformance('[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]', async () => {
    const { subsets } = ok(await own.request('GET', '/api/v1/namespaces/default/endpoints/kubernetes')) as unknown as { subsets: { addresses: { ip: string }[]; ports: Port[] }[] };
    const slices = (ok(await own.request('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dkubernetes')) as unknown as { items: { addressType: string; endpoints: { addresses: string[] }[]; ports: Port[] }[] }).items;
    assert.deepEqual(subsets.map((each) => each.addresses.map(({ ip }) => ip)), [[advertised]]);
    assert.deepEqual(slices.map((each) => [each.addressType, ...each.endpoints.flatMap(({ addresses }) => addresses)]), [['IPv4', advertised]]);
    assert.equal(slices[0]?.ports[0]?.port, subsets[0]?.ports[0]?.port);
    assert.equal(slices[0]?.ports[0]?.name, 'https');
  });
});
