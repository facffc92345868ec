/** Behaviours of APIs of nodes and storage that one request after the other shows, and controllers do not change. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { DeviceClass } from '#api/resource/device-class.ts';
import { ResourceClaim } from '#api/resource/resource-claim.ts';
import { ResourceClaimTemplate } from '#api/resource/resource-claim-template.ts';
import { ResourceSlice } from '#api/resource/resource-slice.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiObject, ResourceUnderTest } from './api-operations.ts';
import { ResourceApi, checkDiscovery, checkLifecycle, ok } from './api-operations.ts';
import { conformance } from './conformance.ts';

const namespace = 'default';
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

const core = (resource: string, kind: string, make: (name: string) => object): ResourceUnderTest => ({ group: '', version: 'v1', resource, kind, namespace, make });
async function refused(what: ResourceUnderTest, method: string, name: string, body: object, code = 422): Promise<void> {
  const { collection } = new ResourceApi(api, what);
  const answer = await api.request(method, method === 'POST' ? collection : `${collection}/${name}`, { body, headers: method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {} });
  assert.equal(answer.code, code, answer.text);
}

describe('conformance: APIs of nodes', { concurrency: false }, () => {
  conformance('[sig-node] Lease lease API should be available [Conformance]', async () => {
    const what: ResourceUnderTest = {
      group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease', namespace,
      make: () => ({ spec: { holderIdentity: 'holder', leaseDurationSeconds: 30, acquireTime: '0001-01-01T00:00:02.000000Z', renewTime: '0001-01-01T00:00:05.000000Z', leaseTransitions: 0 } }),
    };
    const leases = new ResourceApi(api, what);
    // Times just after what Go takes for no time at all.
    const made = await leases.create('lease');
    assert.deepEqual(made['spec'], (what.make('lease') as { spec: object }).spec);
    assert.deepEqual((await leases.get('lease'))['spec'], made['spec']);
    const spec = { holderIdentity: 'holder2', leaseDurationSeconds: 30, acquireTime: '0001-01-01T00:00:20.000000Z', renewTime: '0001-01-01T00:00:50.000000Z', leaseTransitions: 1 };
    await leases.update({ ...made, spec });
    assert.deepEqual((await leases.get('lease'))['spec'], spec);
    const protobuf = 'application/vnd.kubernetes.protobuf';
    const { bytes } = await api.request('GET', `${leases.collection}/lease`, { headers: { accept: protobuf } });
    ok(await api.request('PUT', `${leases.collection}/lease`, { body: bytes, headers: { 'content-type': protobuf } }));
    assert.deepEqual((await leases.get('lease'))['spec'], spec);
    const patch = { holderIdentity: 'holder3', leaseDurationSeconds: 60, acquireTime: '0001-01-01T00:00:50.000000Z', renewTime: '0001-01-01T00:01:10.000000Z', leaseTransitions: 2 };
    await leases.patch('lease', { spec: patch });
    assert.deepEqual((await leases.get('lease'))['spec'], patch);
    await leases.create('lease-2', { deletecollection: 'true' });
    assert.equal((await leases.list('')).length, 2);
    await leases.deleteCollection('labelSelector=deletecollection%3Dtrue');
    assert.deepEqual((await leases.list('')).map((each) => each.metadata.name), ['lease']);
    await leases.delete('lease');
    assert.equal(await leases.isThere('lease'), false);
  });
  conformance('[sig-node] PodTemplates should replace a pod template [Conformance]', async () => {
    const templates = new ResourceApi(api, core('podtemplates', 'PodTemplate', () => ({ template: { metadata: { labels: { pod: 'x' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } } })));
    const made = await templates.create('replaced');
    const updated = await templates.update({ ...made, metadata: { ...made.metadata, annotations: { updated: 'true' } } });
    assert.equal(updated.metadata.annotations?.['updated'], 'true');
  });

  const node: ResourceUnderTest = { group: 'resource.k8s.io', version: 'v1', resource: '', kind: '', make: () => ({}) };
  const labelPatch = { metadata: { labels: { patched: 'true' } } };
  const annotated = ({ metadata }: ApiObject): object => ({ metadata: { ...metadata, annotations: { updated: 'true' } } });
  const crud = async (what: ResourceUnderTest): Promise<void> => {
    await checkDiscovery(api, what);
    await checkLifecycle(api, what, { patch: labelPatch, update: annotated });
  };
  const requests = { devices: { requests: [{ name: 'req', exactly: { deviceClassName: 'class' } }] } };
  conformance('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]', () =>
    crud({ ...node, resource: DeviceClass.plural, kind: 'DeviceClass', make: () => ({ spec: { selectors: [{ cel: { expression: 'device.driver == "example.com"' } }] } }) }));
  conformance('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim [Conformance]', () =>
    crud({ ...node, namespace, resource: ResourceClaim.plural, kind: 'ResourceClaim', make: () => ({ spec: requests }) }));
  conformance('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate [Conformance]', () =>
    crud({ ...node, namespace, resource: ResourceClaimTemplate.plural, kind: 'ResourceClaimTemplate', make: () => ({ spec: { spec: requests } }) }));
  conformance('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice [Conformance]', () =>
    crud({ ...node, resource: ResourceSlice.plural, kind: 'ResourceSlice', make: () => ({ spec: { driver: 'example.com', nodeName: 'node-1', pool: { name: 'pool', generation: 1, resourceSliceCount: 1 }, devices: [] } }) }));

  conformance('[sig-node] ConfigMap should fail to create ConfigMap with empty key [Conformance]', () =>
    refused(core('configmaps', 'ConfigMap', () => ({})), 'POST', '', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'empty-key' }, data: { '': 'value-1' } }));
  conformance('[sig-node] Secrets should fail to create secret due to empty secret key [Conformance]', () =>
    refused(core('secrets', 'Secret', () => ({})), 'POST', '', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'empty-key' }, data: { '': 'dmFsdWUtMQ==' } }));
  conformance('[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance] [Conformance]', async () => {
    const maps = new ResourceApi(api, core('configmaps', 'ConfigMap', () => ({ data: {} })));
    const made = await maps.create('updated');
    await maps.update({ ...made, data: { data: 'value' } });
    assert.deepEqual((await maps.get('updated'))['data'], { data: 'value' });
  });
  conformance('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [Conformance]', async () => {
    const sysctls = ['kernel.shmmax', 'foo-', 'kernel/shmmax!', 'bar..'].map((name) => ({ name, value: '1' }));
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'sysctls' }, spec: { securityContext: { sysctls }, containers: [{ name: 'c', image: 'busybox' }] } };
    const answer = await api.request('POST', `/api/v1/namespaces/${namespace}/pods`, { body });
    assert.equal(answer.code, 422, answer.text);
    for (const wrong of ['"foo-"', '"bar.."']) assert.ok(answer.json<{ message: string }>().message.includes(`Invalid value: ${wrong}`), answer.text);
    assert.ok(!answer.text.includes('Invalid value: \\"kernel.shmmax\\"'));
  });
});

describe('conformance: APIs of storage', { concurrency: false }, () => {
  for (const [codename, what, change] of [
    ['[sig-storage] ConfigMap should be immutable if `immutable` field is set [Conformance]', core('configmaps', 'ConfigMap', () => ({ data: { data: 'one' } })), 'value-'],
    ['[sig-storage] Secrets should be immutable if `immutable` field is set [Conformance]', core('secrets', 'Secret', () => ({ data: { data: 'b25l' } })), 'dHdv'],
  ] as const) {
    conformance(codename, async () => {
      const resource = new ResourceApi(api, what);
      const made = await resource.create('immutable');
      const changed = await resource.update({ ...made, data: { data: change } });
      const closed = await resource.update({ ...changed, immutable: true });
      await refused(what, 'PUT', 'immutable', { ...closed, data: { data: 'dGhyZWU=' } });
      await refused(what, 'PUT', 'immutable', { ...closed, immutable: false });
      await refused(what, 'PATCH', 'immutable', { immutable: null });
      const labelled = await resource.update({ ...closed, metadata: { ...closed.metadata, labels: { label1: 'value1' } } });
      assert.equal(labelled.metadata.labels?.['label1'], 'value1');
      await resource.delete('immutable');
      assert.equal(await resource.isThere('immutable'), false);
    });
  }
  conformance('[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status [Conformance]', async () => {
    const attachments = new ResourceApi(api, { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments', kind: 'VolumeAttachment', make: () => ({ spec: { attacher: 'e2e-test.storage.k8s.io', nodeName: 'n', source: { persistentVolumeName: 'pv' } } }) });
    await attachments.create('va');
    assert.equal((await attachments.patch('va', { metadata: { labels: { va: 'patched' } } })).metadata.labels?.['va'], 'patched');
    const read = await attachments.get('va', '/status');
    assert.deepEqual((read['status'] as { attached: boolean }).attached, false);
    const patched = await attachments.patch('va', { status: { attached: true } }, '/status');
    assert.deepEqual((patched['status'] as { attached: boolean }).attached, true);
    const updated = await attachments.update({ ...patched, status: { attached: false } }, '/status');
    assert.deepEqual((updated['status'] as { attached: boolean }).attached, false);
    await attachments.delete('va');
    assert.equal(await attachments.isThere('va'), false);
  });
  conformance('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API [Conformance]', async () => {
    const csi = { driver: 'e2e.example.com', volumeAttributes: { foo: 'bar' } };
    const pods = new ResourceApi(api, core('pods', 'Pod', () => ({ spec: { containers: [{ name: 'c', image: 'pause', volumeMounts: [{ name: 'inline', mountPath: '/mnt' }] }], volumes: [{ name: 'inline', csi }] } })));
    await pods.create('inline', { csi: 'inline' });
    const volumes = (object: ApiObject): readonly { readonly csi?: object }[] => (object['spec'] as { volumes: { csi?: object }[] }).volumes;
    assert.deepEqual(volumes(await pods.get('inline')).find((each) => each.csi !== undefined)?.csi, csi);
    assert.equal((await pods.list('labelSelector=csi%3Dinline')).length, 1);
    assert.equal((await pods.patch('inline', { metadata: { labels: { patched: 'true' } } })).metadata.labels?.['patched'], 'true');
    await pods.delete('inline', { gracePeriodSeconds: 0 });
    assert.equal(await pods.isThere('inline'), false);
  });
  const claims = core('persistentvolumeclaims', 'PersistentVolumeClaim', () => ({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'none' } }));
  const volumes: ResourceUnderTest = {
    group: '', version: 'v1', resource: 'persistentvolumes', kind: 'PersistentVolume',
    make: () => ({ spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'none', csi: { driver: 'fake.csi.k8s.io', volumeHandle: 'handle', volumeAttributes: { a: 'b' } } } }),
  };
  conformance('[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC [Conformance]', async () => {
    const free = { metadata: { finalizers: null } };
    for (const what of [volumes, claims]) {
      const resource = new ResourceApi(api, what);
      const label = `labelSelector=e2e%3D${what.resource}`;
      const made = await resource.create('life', { e2e: what.resource });
      assert.equal((await resource.list(label)).length, 1);
      assert.equal((await resource.patch('life', { metadata: { labels: { patched: 'true' } } })).metadata.labels?.['patched'], 'true');
      assert.equal((await resource.get('life')).metadata.uid, made.metadata.uid);
      await resource.delete('life');
      // Its protection is lifted by a controller, which is not here.
      if (await resource.isThere('life')) await resource.patch('life', free);
      assert.equal(await resource.isThere('life'), false);
      const again = await resource.create('life', { e2e: what.resource });
      assert.equal((await resource.update({ ...again, metadata: { ...again.metadata, labels: { ...again.metadata.labels, updated: 'true' } } })).metadata.labels?.['updated'], 'true');
      await resource.deleteCollection(label);
      if (await resource.isThere('life')) await resource.patch('life', free);
      assert.deepEqual(await resource.list(label), []);
    }
  });
  conformance('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status [Conformance]', async () => {
    for (const [what, status] of [[volumes, { phase: 'Available', message: 'StatusPatched', reason: 'E2E' }], [claims, { conditions: [{ type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'Set from e2e test', lastProbeTime: null, lastTransitionTime: null }] }]] as const) {
      const resource = new ResourceApi(api, what);
      await resource.create('with-status', { status: what.resource });
      assert.equal((await resource.list(`labelSelector=status%3D${what.resource}`)).length, 1);
      const read = await resource.get('with-status', '/status');
      assert.ok(['Pending', 'Available', 'Bound'].includes((read['status'] as { phase: string }).phase), JSON.stringify(read['status']));
      const patched = await resource.patch('with-status', { status }, '/status');
      assert.match(JSON.stringify(patched['status']), /StatusPatched/);
      const updated = await resource.update({ ...patched, status: JSON.parse(JSON.stringify(patched['status']).replaceAll('StatusPatched', 'StatusUpdated')) as object }, '/status');
      assert.match(JSON.stringify(updated['status']), /StatusUpdated/);
    }
  });
});
