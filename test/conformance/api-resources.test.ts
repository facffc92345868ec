/** Behaviours of the form "the API of this resource works": one line of data each. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAuthority } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiObject } from './api-operations.ts';
import { ResourceApi, checkApiOperations, checkDiscovery, checkLifecycle } from './api-operations.ts';
import { conformance } from './conformance.ts';

const namespace = 'default';
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } };
const jobTemplate = { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'busybox', command: ['true'] }] } } } };
const everybody = [{ kind: 'Group', group: { name: 'nobody' } }];

describe('conformance: APIs of resources', { concurrency: false }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());
  const labelPatch = { metadata: { labels: { patched: 'true' } } };
  const relabelled = ({ metadata }: ApiObject): object => ({ metadata: { ...metadata, labels: { ...metadata.labels, updated: 'true' } } });

  conformance('[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]', () =>
    checkApiOperations(api, {
      group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas', kind: 'FlowSchema',
      make: () => ({ spec: { matchingPrecedence: 10_000, priorityLevelConfiguration: { name: 'global-default' }, rules: [{ subjects: everybody, nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] } }),
      status: { conditions: [{ type: 'Dangling', status: 'True', reason: 'x', message: 'y' }] },
    }));
  conformance('[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]', () =>
    checkApiOperations(api, {
      group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'prioritylevelconfigurations', kind: 'PriorityLevelConfiguration',
      make: () => ({ spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } } }),
      status: { conditions: [{ type: 'Dangling', status: 'True', reason: 'x', message: 'y' }] },
    }));
  conformance('[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations [Conformance]', async () => {
    const what = {
      group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest',
      make: () => ({ spec: { request: certificateRequest, signerName: 'example.com/e2e', expirationSeconds: 3600, usages: ['client auth'] } }),
    };
    await checkDiscovery(api, what, ['approval', 'status']);
    await checkApiOperations(api, what);
    const requests = new ResourceApi(api, what);
    const made = await requests.create('csr-parts');
    const condition = (type: string): object => ({ type, status: 'True', reason: 'E2E', message: 'Set from an e2e test' });
    const conditionsOf = (object: ApiObject): readonly string[] => ((object['status'] as { readonly conditions?: readonly { readonly type: string }[] }).conditions ?? []).map(({ type }) => type);
    assert.equal((await requests.get('csr-parts', '/approval')).metadata.uid, made.metadata.uid);
    const patched = await requests.patch('csr-parts', { metadata: { annotations: { patchedapproval: 'true' } }, status: { conditions: [condition('ApprovalPatch')] } }, '/approval');
    assert.deepEqual([conditionsOf(patched), patched.metadata.annotations?.['patchedapproval']], [['ApprovalPatch'], 'true']);
    const approved = await requests.update({ ...patched, status: { conditions: [condition('ApprovalPatch'), condition('ApprovalUpdate')] } }, '/approval');
    assert.deepEqual(conditionsOf(approved), ['ApprovalPatch', 'ApprovalUpdate']);
    assert.equal((await requests.get('csr-parts', '/status')).metadata.uid, made.metadata.uid);
    const certificate = Buffer.from(createAuthority({ commonName: 'e2e', clock: systemClock, validDays: 1 }).certificatePem).toString('base64');
    const issued = await requests.patch('csr-parts', { metadata: { annotations: { patchedstatus: 'true' } }, status: { certificate } }, '/status');
    assert.deepEqual([(issued['status'] as { certificate?: string }).certificate, issued.metadata.annotations?.['patchedstatus']], [certificate, 'true']);
    const updated = await requests.update({ ...issued, status: { ...issued['status'] as object, conditions: [condition('ApprovalPatch'), condition('ApprovalUpdate'), condition('StatusUpdate')] } }, '/status');
    assert.deepEqual(conditionsOf(updated), ['ApprovalPatch', 'ApprovalUpdate', 'StatusUpdate']);
    // What is requested is not changed by the way.
    const same = await requests.update({ ...updated, spec: { ...updated['spec'] as object, signerName: 'example.com/other' } }, '/approval');
    assert.equal((same['spec'] as { signerName: string }).signerName, 'example.com/e2e');
    await requests.delete('csr-parts');
  });
  conformance('[sig-apps] CronJob should support CronJob API operations [Conformance]', () =>
    checkApiOperations(api, {
      group: 'batch', version: 'v1', resource: 'cronjobs', kind: 'CronJob', namespace,
      make: () => ({ spec: { schedule: '*/1 * * * *', concurrencyPolicy: 'Allow', jobTemplate } }),
      status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
    }));
  conformance('[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]', () =>
    checkApiOperations(api, { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', kind: 'EndpointSlice', namespace, make: () => ({ addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }] }) }));
  conformance('[sig-network] Ingress API should support creating Ingress API operations [Conformance]', () =>
    checkApiOperations(api, {
      group: 'networking.k8s.io', version: 'v1', resource: 'ingresses', kind: 'Ingress', namespace,
      make: () => ({ spec: { defaultBackend: { service: { name: 'default-backend', port: { number: 80 } } } } }), status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
    }));
  conformance('[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]', () =>
    checkApiOperations(api, { group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses', kind: 'IngressClass', make: () => ({ spec: { controller: 'example.com/controller' } }) }));
  conformance('[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]', () =>
    checkApiOperations(api, {
      group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses', kind: 'IPAddress', names: ['192.168.1.1', '192.168.1.2', '192.168.1.3'],
      make: () => ({ spec: { parentRef: { resource: 'services', namespace, name: 'foo' } } }),
    }));
  conformance('[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]', () => {
    let third = 1;
    return checkApiOperations(api, {
      group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs', kind: 'ServiceCIDR', make: () => ({ spec: { cidrs: [`10.196.${third++}.0/24`] } }),
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: 'y', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    });
  });
  conformance('[sig-node] RuntimeClass should support RuntimeClasses API operations [Conformance]', () =>
    checkApiOperations(api, { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses', kind: 'RuntimeClass', make: () => ({ handler: 'runc' }) }));
  conformance('[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations [Conformance]', () =>
    checkApiOperations(api, { group: 'storage.k8s.io', version: 'v1', resource: 'csistoragecapacities', kind: 'CSIStorageCapacity', namespace, make: () => ({ storageClassName: 'e2e' }) }));

  conformance('[sig-node] ConfigMap should run through a ConfigMap lifecycle [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespace, make: () => ({ data: { valueName: 'value' } }) }, { patch: { data: { valueName: 'value1' }, ...labelPatch } }));
  conformance('[sig-node] Secrets should patch a secret [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespace, make: () => ({ type: 'Opaque', data: { key: 'dmFsdWU=' } }) }, { patch: { data: { key: 'dmFsdWUx' }, ...labelPatch } }));
  conformance('[sig-node] PodTemplates should run the lifecycle of PodTemplates [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'podtemplates', kind: 'PodTemplate', namespace, make: () => ({ template }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-network] Endpoints should test the lifecycle of an Endpoint [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'endpoints', kind: 'Endpoints', namespace, make: () => ({ subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }] }) }, {
      patch: { ...labelPatch, subsets: [{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] }] }, update: relabelled,
    }));
  conformance('[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'limitranges', kind: 'LimitRange', namespace, make: () => ({ spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '50m' }, min: { cpu: '50m' }, max: { cpu: '500m' } }] } }) }, { patch: labelPatch }));
  conformance('[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', namespace, make: () => ({}) }, { patch: { automountServiceAccountToken: false } }));
  conformance('[sig-auth] ServiceAccounts should update a ServiceAccount [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', namespace, make: () => ({ automountServiceAccountToken: false }) }, { patch: labelPatch, update: () => ({ automountServiceAccountToken: true }) }));
  conformance('[sig-instrumentation] Events should manage the lifecycle of an event [Conformance]', () =>
    checkLifecycle(api, {
      group: '', version: 'v1', resource: 'events', kind: 'Event', namespace,
      make: () => ({ message: 'original event', reason: 'Test', type: 'Normal', count: 1, involvedObject: { namespace, kind: 'Pod', name: 'p' }, source: { component: 'test' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z' }),
    }, { patch: { message: 'updated message' }, update: () => ({ series: { count: 100, lastObservedTime: '2026-01-01T00:00:05.000000Z' } }) }));
  conformance('[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed [Conformance]', async () => {
    const event = {
      metadata: { name: 'event-test', labels: { 'testevent-constant': 'true' } }, regarding: { namespace }, eventTime: '2017-09-19T13:49:16.000000Z', note: 'This is event-test',
      action: 'Do', reason: 'Test', type: 'Normal', reportingController: 'test-controller', reportingInstance: 'test-node',
    };
    const events = new ResourceApi(api, { group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespace, make: () => event });
    const old = new ResourceApi(api, { group: '', version: 'v1', resource: 'events', kind: 'Event', namespace, make: () => ({}) });
    await events.create('event-test', event.metadata.labels);
    // Both APIs find it, each by its own word for who reports.
    for (const found of [await events.everywhere('labelSelector=testevent-constant%3Dtrue'), await events.list('fieldSelector=reportingController%3Dtest-controller'), await old.list('fieldSelector=source%3Dtest-controller')]) {
      assert.deepEqual(found.map(({ metadata }) => metadata.name), ['event-test']);
    }
    const plain = ({ metadata: { resourceVersion: _version, ...metadata }, ...rest }: ApiObject): object => ({ ...rest, metadata: { ...metadata, managedFields: undefined } });
    const before1 = await events.get('event-test');
    // Since v1.20 a series is what may change; the note is not.
    const series = { count: 2, lastObservedTime: '2017-09-19T13:49:11.000000Z' };
    await events.patch('event-test', { series });
    const patched = await events.get('event-test');
    assert.deepEqual(plain(patched), plain({ ...before1, series }));
    const { resourceVersion: _version, ...metadata } = patched.metadata;
    const wanted = { ...patched, metadata: metadata as ApiObject['metadata'], series: { count: 100, lastObservedTime: '2017-09-19T13:49:16.000000Z' } };
    await events.update(wanted);
    assert.deepEqual(plain(await events.get('event-test')), plain(wanted));
    await events.delete('event-test');
    assert.deepEqual(await events.everywhere('labelSelector=testevent-constant%3Dtrue'), []);
    await checkLifecycle(api, {
      group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespace, names: ['event-test'],
      make: () => ({ eventTime: '2026-01-01T00:00:00.000000Z', note: 'original', reason: 'Test', action: 'Do', type: 'Normal', reportingController: 'test-controller', reportingInstance: 'test-node', regarding: { namespace, kind: 'Pod', name: 'p' } }),
    }, { patch: { series: { count: 2, lastObservedTime: '2026-01-01T00:00:05.000000Z' } } });
  });
  conformance('[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]', () =>
    checkLifecycle(api, { group: 'apps', version: 'v1', resource: 'controllerrevisions', kind: 'ControllerRevision', namespace, make: () => ({ revision: 1, data: { spec: { template } } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'nodes', kind: 'Node', make: () => ({ status: { phase: 'Running' } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota [Conformance]', () =>
    checkLifecycle(api, { group: '', version: 'v1', resource: 'resourcequotas', kind: 'ResourceQuota', namespace, make: () => ({ spec: { hard: { cpu: '1', memory: '500Mi' } } }) }, { patch: { ...labelPatch, spec: { hard: { memory: '750Mi' } } } }));
  conformance('[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver [Conformance]', () =>
    checkLifecycle(api, { group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers', kind: 'CSIDriver', make: () => ({ spec: { volumeLifecycleModes: ['Ephemeral'] } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode [Conformance]', () =>
    checkLifecycle(api, { group: 'storage.k8s.io', version: 'v1', resource: 'csinodes', kind: 'CSINode', make: () => ({ spec: { drivers: [] } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass [Conformance]', () =>
    checkLifecycle(api, { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses', kind: 'StorageClass', make: () => ({ provisioner: 'e2e-fake-provisioner', reclaimPolicy: 'Delete' }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment [Conformance]', () =>
    checkLifecycle(api, { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments', kind: 'VolumeAttachment', make: () => ({ spec: { attacher: 'e2e', nodeName: 'n1', source: { persistentVolumeName: 'pv' } } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass [Conformance]', () =>
    checkLifecycle(api, { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses', kind: 'VolumeAttributesClass', make: () => ({ driverName: 'e2e-fake', parameters: { iops: '1' } }) }, { patch: labelPatch, update: relabelled }));
  conformance('[sig-apps] DisruptionController should update/patch PodDisruptionBudget status [Conformance]', () =>
    checkApiOperations(api, {
      group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespace, make: () => ({ spec: { minAvailable: 1, selector: { matchLabels: { foo: 'bar' } } } }),
      status: { disruptedPods: { pod1: '2026-01-01T00:00:00Z' } },
    }));
  conformance('[sig-network] Services should complete a service status lifecycle [Conformance]', () =>
    checkApiOperations(api, {
      group: '', version: 'v1', resource: 'services', kind: 'Service', namespace, make: () => ({ spec: { type: 'LoadBalancer', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } }),
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.1', ipMode: 'VIP' }] } },
    }));
});

/** A request for the name "e2e-csr", made with OpenSSL. */
const certificateRequest = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITU1IUUNBUUF3RWpFUU1BNEdBMVVFQXd3SFpUSmxMV056Y2pCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OQpBd0VIQTBJQUJFWTJDOXVlcU42SGxSVzBmZkIvV1YxdXJsSWhKaFdTdkNVTWRKUnNCa2p3STZBU3RTQmpQQnVUCmthcHRFam9XbUN5MUxuV0plUUdLYmVtK3BuM2d3MG1nQURBS0JnZ3Foa2pPUFFRREFnTklBREJGQWlFQTczSUYKUXRXRjZldlBOL1NxK3Y2ZEpvZDhIbnZxYmhjMEc0MHJwVFJucHhrQ0lGWHptSTUvMmwrcHVPSitYTmdISndNMgovSURsdUlsMFpLaUFtOFBOaTR6RgotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';
