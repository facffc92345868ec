import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Deployment as DeploymentObject } from '#api/apps/deployment.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Secret } from '#api/core/secret.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const jsonPatch = 'application/json-patch+json';
const applyPatch = 'application/apply-patch+yaml';

interface Status { readonly code: number; readonly reason: string; readonly message: string; readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[] } }

describe('changes of objects', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  let serial = 0;
  const deploy = (change: object = {}): Promise<DeploymentObject> => {
    const name = `d${++serial}`;
    return api.client.create(Deployment, {
      metadata: { namespace, name, labels: { app: name } },
      spec: {
        replicas: 2, selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'nginx:1', ports: [{ containerPort: 80 }] }, { name: 'side', image: 'side:1' }] } },
        ...change,
      },
    });
  };
  const patch = (target: string, contentType: string, body: string | object): Promise<RawAnswer> => api.request('PATCH', target, { body, headers: { 'content-type': contentType } });
  const patched = async <T = DeploymentObject>(target: string, contentType: string, body: string | object, code = 200): Promise<T> => {
    const answer = await patch(target, contentType, body);
    assert.equal(answer.code, code, answer.text);
    return answer.json<T>();
  };
  const path = ({ metadata }: DeploymentObject): string => `${deployments}/${metadata.name}`;

  describe('an update', () => {
    it('raises the generation when the spec changes, and only then', async () => {
      const made = await deploy();
      assert.equal(made.metadata.generation, 1);
      const labelled = await api.client.update(Deployment, { ...made, metadata: { ...made.metadata, labels: { ...made.metadata.labels, x: 'y' } } });
      assert.equal(labelled.metadata.generation, 1);
      const scaled = await api.client.update(Deployment, { ...labelled, spec: { ...labelled.spec, replicas: 3 } });
      assert.equal(scaled.metadata.generation, 2);
      const annotated = await api.client.update(Deployment, { ...scaled, metadata: { ...scaled.metadata, annotations: { a: 'b' } } });
      assert.equal(annotated.metadata.generation, 3, 'annotations go down to the replica sets');
    });

    it('of some kinds names the version it replaces', async () => {
      const [leases, lease] = ['/apis/coordination.k8s.io/v1/namespaces/default/leases/l', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: { holderIdentity: 'a' } }];
      assert.equal((await api.request('PUT', leases, { body: lease })).code, 201);
      const again = await api.request('PUT', leases, { body: lease });
      assert.equal(again.json<Status>().message, 'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update');
    });

    it('that changes nothing keeps the resourceVersion', async () => {
      const made = await deploy();
      const again = await api.client.update(Deployment, made);
      assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
      assert.equal((await patched(path(made), mergePatch, { spec: { replicas: 2 } })).metadata.resourceVersion, made.metadata.resourceVersion);
    });

    it('leaves the status alone, and the status subresource everything else', async () => {
      const made = await deploy();
      const withStatus = { ...made, status: { ...made.status, replicas: 9 } };
      assert.equal((await api.client.update(Deployment, withStatus)).status.replicas ?? 0, 0);
      const updated = await api.client.updateStatus(Deployment, { ...withStatus, spec: { ...made.spec, replicas: 7 }, metadata: { ...made.metadata, labels: { changed: 'yes' } } });
      assert.deepEqual([updated.status.replicas, updated.spec.replicas, updated.metadata.generation], [9, 2, 1]);
      const status = await patched(`${path(made)}/status`, mergePatch, { status: { replicas: 4 }, spec: { replicas: 8 } });
      assert.deepEqual([status.status.replicas, status.spec.replicas], [4, 2]);
    });

    it('without a resourceVersion overwrites, with a stale one is a conflict', async () => {
      const made = await api.client.create(ConfigMap, { metadata: { namespace, name: 'cm' } });
      const { resourceVersion: _version, ...metadata } = made.metadata;
      await api.client.update(ConfigMap, { ...made, data: { a: '1' } });
      assert.equal((await api.request('PUT', `${configMaps}/cm`, { body: { ...made, metadata, data: { a: '2' } } })).code, 200);
      assert.equal((await api.request('PUT', `${configMaps}/cm`, { body: { ...made, data: { a: '3' } } })).code, 409);
    });

    it('cannot change what is immutable', async () => {
      const made = await deploy();
      const answer = await api.request('PUT', path(made), { body: { ...made, spec: { ...made.spec, selector: { matchLabels: { app: 'other' } }, template: { ...made.spec.template, metadata: { labels: { app: 'other' } } } } } });
      assert.equal(answer.code, 422);
      assert.match(answer.json<Status>().message, /spec\.selector: Invalid value: .*: field is immutable$/);
      const frozen = await api.client.create(ConfigMap, { metadata: { namespace, name: 'frozen' }, immutable: true, data: { a: '1' } });
      const refused = await api.request('PUT', `${configMaps}/frozen`, { body: { ...frozen, data: { a: '2' } } });
      assert.equal(refused.code, 422);
      assert.match(refused.json<Status>().message, /data: Forbidden: field is immutable when `immutable` is set/);
      await api.client.update(ConfigMap, { ...frozen, metadata: { ...frozen.metadata, labels: { may: 'change' } } });
      const secret = await api.client.create(Secret, { metadata: { namespace, name: 's' } });
      assert.match((await api.request('PUT', '/api/v1/namespaces/default/secrets/s', { body: { ...secret, type: 'other' } })).json<Status>().message, /type: Invalid value: "other": field is immutable/);
    });

    it('keeps uid and creation time, whatever is sent', async () => {
      const made = await deploy();
      const sent = { ...made, metadata: { ...made.metadata, creationTimestamp: '2001-01-01T00:00:00Z', generation: 77 } };
      const answer = await api.client.update(Deployment, sent);
      assert.equal(answer.metadata.creationTimestamp, made.metadata.creationTimestamp);
      assert.equal(answer.metadata.generation, 1);
      const other = await api.request('PUT', path(made), { body: { ...made, metadata: { ...made.metadata, uid: '00000000-0000-0000-0000-000000000000' } } });
      assert.equal(other.code, 409, other.text);
      assert.match(other.json<Status>().message, /Precondition failed: UID in precondition/);
    });

    it('of what is not there is a 404', async () => {
      const made = await deploy();
      assert.equal((await api.request('PUT', `${deployments}/absent`, { body: { ...made, metadata: { namespace, name: 'absent' } } })).code, 404);
      assert.equal((await api.request('PUT', `${deployments}/absent`, { body: made })).code, 400);
    });

    it('as a dry run is checked, answered and not stored', async () => {
      const made = await deploy();
      const answer = await api.request('PUT', `${path(made)}?dryRun=All`, { body: { ...made, spec: { ...made.spec, replicas: 5 } } });
      assert.deepEqual([answer.code, answer.json<DeploymentObject>().spec.replicas, answer.json<DeploymentObject>().metadata.generation], [200, 5, 2]);
      assert.equal((await api.client.get(Deployment, { namespace, name: made.metadata.name })).spec.replicas, 2);
      assert.equal((await api.request('PUT', `${path(made)}?dryRun=All`, { body: { ...made, spec: { ...made.spec, replicas: -5 } } })).code, 422);
      assert.equal((await api.request('PUT', `${path(made)}?dryRun=Some`, { body: made })).code, 422);
    });
  });

  describe('a patch', () => {
    it('as JSON merge patch replaces lists and removes what is null', async () => {
      const made = await deploy();
      const answer = await patched(path(made), mergePatch, { metadata: { labels: { app: null, x: 'y' } }, spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:2' }] } } } });
      assert.deepEqual(answer.metadata.labels, { x: 'y' });
      assert.deepEqual(answer.spec.template.spec.containers.map((each) => `${each.name} ${each.image}`), ['web nginx:2']);
    });

    it('as strategic merge patch merges lists by key, deletes and sets order', async () => {
      const made = await deploy();
      const answer = await patched(path(made), strategicPatch, { spec: { template: { spec: { containers: [{ name: 'side', $patch: 'delete' }, { name: 'web', image: 'nginx:2' }, { name: 'new', image: 'new:1' }] } } } });
      assert.deepEqual(answer.spec.template.spec.containers.map((each) => `${each.name} ${each.image}`).sort(), ['new new:1', 'web nginx:2']);
      const replaced = await patched(path(made), strategicPatch, { spec: { template: { spec: { containers: [{ $patch: 'replace' }, { name: 'only', image: 'only:1' }] } } } });
      assert.deepEqual(replaced.spec.template.spec.containers.map((each) => each.name), ['only']);
      const recreate = await patched(path(made), strategicPatch, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } });
      assert.deepEqual(recreate.spec.strategy, { type: 'Recreate' });
    });

    it('as JSON patch does what its operations say, all or none', async () => {
      const made = await deploy();
      const answer = await patched(path(made), jsonPatch, [
        { op: 'test', path: '/spec/replicas', value: 2 }, { op: 'replace', path: '/spec/replicas', value: 4 },
        { op: 'add', path: '/metadata/labels/a~1b', value: 'c' }, { op: 'remove', path: '/spec/template/spec/containers/1' },
      ]);
      assert.deepEqual([answer.spec.replicas, answer.metadata.labels?.['a/b'], answer.spec.template.spec.containers.length], [4, 'c', 1]);
      const refused = await patch(path(made), jsonPatch, [{ op: 'replace', path: '/spec/replicas', value: 9 }, { op: 'test', path: '/spec/paused', value: true }]);
      assert.equal(refused.code, 422, refused.text);
      assert.equal((await api.client.get(Deployment, { namespace, name: made.metadata.name })).spec.replicas, 4);
    });

    it('with a resourceVersion is applied to that version only', async () => {
      const made = await deploy();
      await patched(path(made), mergePatch, { spec: { replicas: 3 } });
      const answer = await patch(path(made), mergePatch, { metadata: { resourceVersion: made.metadata.resourceVersion }, spec: { replicas: 9 } });
      assert.equal(answer.code, 409, answer.text);
    });

    it('that cannot be read or whose result is invalid is refused', async () => {
      const made = await deploy();
      assert.equal((await patch(path(made), mergePatch, '{"spec":')).code, 400);
      assert.equal((await patch(path(made), mergePatch, { spec: { replicas: -1 } })).code, 422);
      assert.equal((await patch(path(made), 'application/json', { spec: { replicas: 1 } })).code, 415);
      assert.equal((await patch(path(made), mergePatch, { metadata: { name: 'other' } })).code >= 400, true);
      assert.equal((await patch(`${deployments}/absent`, mergePatch, {})).code, 404);
      assert.equal((await patch(`${path(made)}?fieldValidation=Strict`, mergePatch, { spec: { replicaz: 1 } })).code, 422);
    });

    it('whose result does not fit the kind is refused in the words of its type', async () => {
      const made = await deploy();
      const strategic = 'application/strategic-merge-patch+json';
      const said = async (type: string, body: object): Promise<string> => (await patch(path(made), type, body)).json<{ readonly message: string }>().message;
      assert.equal(await said(strategic, { metadata: { labels: 'x' } }), ' "" is invalid: patch: Invalid value: "map[metadata:map[labels:x]]": cannot restore map from string');
      assert.equal(await said(strategic, { spec: { replicas: 'x', paused: [1] } }), ' "" is invalid: patch: Invalid value: "map[spec:map[paused:[1] replicas:x]]": unrecognized type: int32');
      assert.equal(await said(strategic, { spec: { template: 1 } }), ' "" is invalid: patch: Invalid value: "map[spec:map[template:1]]": cannot restore struct from: int64');
      assert.match(await said(mergePatch, { spec: { replicas: 'x' } }), /^ "" is invalid: patch: Invalid value: "\{.*\}": json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32$/);
    });
  });

  describe('an apply', () => {
    const applied = (name: string, spec: object, query = ''): Promise<RawAnswer> =>
      patch(`${deployments}/${name}?${query}`, applyPatch, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
    const full = (name: string, more: object = {}): object => ({
      selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } }, ...more,
    });

    it('creates what is not there, and says who owns which fields', async () => {
      const answer = await applied('a1', full('a1', { replicas: 2 }), 'fieldManager=me');
      assert.equal(answer.code, 201, answer.text);
      const [entry] = answer.json<DeploymentObject>().metadata.managedFields ?? [];
      assert.deepEqual([entry?.manager, entry?.operation, entry?.apiVersion], ['me', 'Apply', 'apps/v1']);
      const again = await applied('a1', full('a1', { replicas: 2 }), 'fieldManager=me');
      assert.equal(again.code, 200);
      assert.equal(again.json<DeploymentObject>().metadata.resourceVersion, answer.json<DeploymentObject>().metadata.resourceVersion);
    });

    it('refuses to take fields from others unless forced', async () => {
      await applied('a2', full('a2', { replicas: 2 }), 'fieldManager=me');
      const refused = await applied('a2', { replicas: 5 }, 'fieldManager=other');
      assert.equal(refused.code, 409);
      const status = refused.json<Status>();
      assert.equal(status.message, 'Apply failed with 1 conflict: conflict with "me": .spec.replicas');
      assert.deepEqual(status.details?.causes, [{ reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.spec.replicas' }]);
      const forced = await applied('a2', { replicas: 5 }, 'fieldManager=other&force=true');
      assert.equal(forced.json<DeploymentObject>().spec.replicas, 5);
      // What the first no longer owns stays when it no longer applies it.
      const left = await applied('a2', full('a2'), 'fieldManager=me');
      assert.equal(left.json<DeploymentObject>().spec.replicas, 5);
    });

    it('removes what its manager applied before and no longer does', async () => {
      await applied('a3', full('a3', { minReadySeconds: 5, paused: true }), 'fieldManager=me');
      const answer = await applied('a3', full('a3', { paused: true }), 'fieldManager=me');
      const { spec } = answer.json<DeploymentObject>();
      assert.deepEqual([spec.minReadySeconds ?? 0, spec.paused], [0, true]);
    });

    it('as a dry run stores nothing', async () => {
      assert.equal((await applied('a4', full('a4'), 'fieldManager=me&dryRun=All')).code, 201);
      assert.equal((await api.request('GET', `${deployments}/a4`)).code, 404);
    });

    it('needs a manager, takes YAML, and refuses managedFields and other names', async () => {
      assert.equal((await applied('a5', full('a5'))).code, 422);
      const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\ndata:\n  a: b\n';
      const answer = await patch(`${configMaps}/yam?fieldManager=me`, applyPatch, yaml);
      assert.equal(answer.code, 201, answer.text);
      assert.deepEqual(answer.json<{ data: object }>().data, { a: 'b' });
      assert.equal((await patch(`${configMaps}/z?fieldManager=me`, applyPatch, yaml)).code, 400);
      assert.equal((await patch(`${configMaps}/yam?fieldManager=me`, applyPatch, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'yam', managedFields: [{}] } })).code, 400);
    });
  });

  describe('the scale subresource', () => {
    it('reads and writes replicas in one form', async () => {
      const made = await deploy();
      const scale = (await api.request('GET', `${path(made)}/scale`)).json<{ kind: string; apiVersion: string; spec: { replicas: number }; status: { selector: string }; metadata: { resourceVersion: string } }>();
      assert.deepEqual([scale.apiVersion, scale.kind, scale.spec.replicas, scale.status.selector], ['autoscaling/v1', 'Scale', 2, `app=${made.metadata.name}`]);
      const answer = await api.request('PUT', `${path(made)}/scale`, { body: { ...scale, spec: { replicas: 6 } } });
      assert.equal(answer.json<typeof scale>().spec.replicas, 6);
      assert.equal((await api.request('PUT', `${path(made)}/scale`, { body: { ...scale, spec: { replicas: 7 } } })).code, 409);
      await patched(`${path(made)}/scale`, mergePatch, { spec: { replicas: 1 } });
      const now = await api.client.get(Deployment, { namespace, name: made.metadata.name });
      assert.deepEqual([now.spec.replicas, now.metadata.generation], [1, 3]);
      assert.equal((await patch(`${path(made)}/scale`, mergePatch, { spec: { replicas: -1 } })).code, 422);
    });
  });

  describe('a creation', () => {
    it('makes a name from generateName, and another one when it is taken', async () => {
      const names = new Set<string>();
      for (let index = 0; index < 20; index++) {
        const { metadata } = await api.client.create(ConfigMap, { metadata: { namespace, generateName: 'gen-' } });
        assert.match(metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        names.add(metadata.name);
      }
      assert.equal(names.size, 20);
    });

    it('sets uid, times and versions by itself and ignores the status', async () => {
      const answer = await api.request('POST', deployments, { body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'own', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 5 }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } }, status: { replicas: 3 } } });
      const made = answer.json<DeploymentObject>();
      assert.equal(answer.code, 201, answer.text);
      assert.notEqual(made.metadata.uid, 'mine');
      assert.notEqual(made.metadata.creationTimestamp, '2001-01-01T00:00:00Z');
      assert.deepEqual([made.metadata.generation, made.status.replicas ?? 0, made.spec.replicas], [1, 0, 1]);
      assert.equal((await api.request('POST', configMaps, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'v', resourceVersion: '5' } } })).code, 400);
    });

    it('twice is a 409, in another namespace than the path a 400', async () => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'twice' } };
      assert.equal((await api.request('POST', configMaps, { body })).code, 201);
      const again = await api.request('POST', configMaps, { body });
      assert.equal(again.code, 409);
      assert.equal(again.json<Status>().message, 'configmaps "twice" already exists');
      assert.equal((await api.request('POST', configMaps, { body: { ...body, metadata: { name: 'x', namespace: 'other' } } })).code, 400);
    });
  });
});
