/** Parts of objects that have a path of their own, over HTTPS. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { certificateRequest } from '../support/certificate-request.ts';

const pods = '/api/v1/namespaces/default/pods';
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
let api: TestApiServer;

interface PodLike {
  readonly metadata: { readonly generation: number };
  readonly spec: {
    readonly containers: readonly { readonly image: string; readonly resources?: { readonly requests?: object } }[];
    readonly ephemeralContainers?: readonly { readonly name: string; readonly terminationMessagePolicy: string }[];
  };
}

before(async () => {
  api = await startApiServer();
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } };
  const made = await api.request('POST', pods, { body: { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i', resources }] } } });
  assert.equal(made.code, 201, made.text);
});
after(() => api.close());

test('an ephemeral container is added to a pod as kubectl debug does, and nothing else is changed', async () => {
  const patch = { spec: { containers: [{ name: 'c', image: 'other' }], ephemeralContainers: [{ name: 'debugger', image: 'busybox', targetContainerName: 'c', stdin: true, tty: true }] } };
  const patched = await api.request('PATCH', `${pods}/a/ephemeralcontainers`, { body: patch, headers: strategic });
  assert.equal(patched.code, 200, patched.text);
  const { spec } = patched.json<PodLike>();
  assert.deepEqual(spec.ephemeralContainers?.map(({ name, terminationMessagePolicy }) => [name, terminationMessagePolicy]), [['debugger', 'File']]);
  assert.equal(spec.containers[0]?.image, 'i');
  assert.equal((await api.request('GET', `${pods}/a/ephemeralcontainers`)).json<PodLike>().spec.ephemeralContainers?.length, 1);
});

test('an ephemeral container that is there is neither changed nor removed', async () => {
  const pod = (await api.request('GET', `${pods}/a`)).json<{ spec: object }>();
  const removed = await api.request('PUT', `${pods}/a/ephemeralcontainers`, { body: { ...pod, spec: { ...pod.spec, ephemeralContainers: [] } } });
  assert.equal(removed.code, 422);
  assert.match(String(removed.json()['message']), /spec\.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be removed/);
  const changed = await api.request('PATCH', `${pods}/a/ephemeralcontainers`, { body: { spec: { ephemeralContainers: [{ name: 'debugger', image: 'another' }] } }, headers: strategic });
  assert.match(String(changed.json()['message']), /may not be changed/);
});

test('a pod is not made with ephemeral containers', async () => {
  const made = await api.request('POST', pods, { body: { metadata: { name: 'b' }, spec: { containers: [{ name: 'c', image: 'i' }], ephemeralContainers: [{ name: 'd', image: 'i' }] } } });
  assert.equal(made.code, 422);
  assert.match(String(made.json()['message']), /spec\.ephemeralContainers: Forbidden: cannot be set on create/);
});

test('a new ephemeral container must be one', async () => {
  const add = async (container: object): Promise<string> => String((await api.request('PATCH', `${pods}/a/ephemeralcontainers`, { body: { spec: { ephemeralContainers: [container] } }, headers: strategic })).json()['message']);
  assert.match(await add({ name: 'c', image: 'i' }), /spec\.ephemeralContainers\[\d\]\.name: Duplicate value: "c"/);
  assert.match(await add({ name: 'd', image: 'i', targetContainerName: 'absent' }), /targetContainerName: Not found: "absent"/);
  assert.match(await add({ name: 'd', image: 'i', ports: [{ containerPort: 1 }] }), /ports: Forbidden: cannot be set for an Ephemeral Container/);
});

test('resize changes CPU and memory of a pod, within its class of service', async () => {
  const resize = (resources: object) => api.request('PATCH', `${pods}/a/resize`, { body: { spec: { containers: [{ name: 'c', image: 'other', resources }] } }, headers: strategic });
  const resized = await resize({ requests: { cpu: '150m' } });
  assert.equal(resized.code, 200, resized.text);
  const [container] = resized.json<PodLike>().spec.containers;
  assert.deepEqual([container?.image, container?.resources?.requests], ['i', { cpu: '150m', memory: '64Mi' }]);
  assert.match(String((await resize({ requests: { cpu: '200m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } })).json()['message']), /Pod QOS Class may not change/);
  assert.equal((await resize({ requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } })).code, 422);
});

test('a certificate request is approved through its own path, and for good', async () => {
  const made = await api.request('POST', requests, { body: { metadata: { name: 'r' }, spec: { request: certificateRequest, signerName: 'example.com/s', usages: ['client auth'] } } });
  assert.equal(made.code, 201, made.text);
  const request = made.json<{ spec: { username?: string }; status: object }>();
  const approved = { ...request, status: { certificate: 'QUJD', conditions: [{ type: 'Approved', status: 'True', reason: 'ByTest' }] } };
  const answer = await api.request('PUT', `${requests}/r/approval`, { body: approved });
  assert.equal(answer.code, 200, answer.text);
  const { status } = answer.json<{ status: { certificate?: string; conditions: readonly { type: string; lastUpdateTime: string }[] } }>();
  assert.equal(status.certificate, undefined);
  assert.equal(status.conditions[0]?.type, 'Approved');
  assert.match(status.conditions[0]?.lastUpdateTime ?? '', /^\d{4}-/);
  const { metadata } = answer.json<{ metadata: object }>();
  const denied = await api.request('PUT', `${requests}/r/approval`, { body: { ...approved, metadata, status: { conditions: [{ type: 'Denied', status: 'True' }] } } });
  assert.equal(denied.code, 422);
});
