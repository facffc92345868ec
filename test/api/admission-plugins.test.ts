/** Admission plugins that are on by default, over HTTPS. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

async function namespace(name: string, labels: object = {}): Promise<void> {
  assert.equal((await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name, labels } } })).code, 201);
  await api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
}
function message(answer: RawAnswer): string {
  return String(answer.json()['message']);
}
const privileged = { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] };
const plain = { containers: [{ name: 'c', image: 'i' }] };

test('a pod that the namespace does not allow is refused', async () => {
  await namespace('baseline', { 'pod-security.kubernetes.io/enforce': 'baseline' });
  const pods = '/api/v1/namespaces/baseline/pods';
  const refused = await api.request('POST', pods, { body: { metadata: { name: 'p' }, spec: privileged } });
  assert.equal(refused.code, 403);
  assert.equal(message(refused), 'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)');
  assert.equal((await api.request('POST', pods, { body: { metadata: { name: 'p' }, spec: plain } })).code, 201);
  const debug = await api.request('PATCH', `${pods}/p/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [{ name: 'd', image: 'i', securityContext: { privileged: true } }] } }, headers: { 'content-type': 'application/strategic-merge-patch+json' },
  });
  assert.match(message(debug), /violates PodSecurity "baseline:latest"/);
});

test('what makes pods is only warned of, and so are the pods of a namespace that asks for more', async () => {
  await namespace('warned', { 'pod-security.kubernetes.io/warn': 'restricted', 'pod-security.kubernetes.io/warn-version': 'v1.25' });
  const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: plain } } };
  const made = await api.request('POST', '/apis/apps/v1/namespaces/warned/deployments', { body });
  assert.equal(made.code, 201);
  assert.match(String(made.headers['warning']), /would violate PodSecurity \\"restricted:v1\.25\\": allowPrivilegeEscalation != false/);
  await api.request('POST', '/api/v1/namespaces/warned/pods', { body: { metadata: { name: 'p' }, spec: privileged } });
  const labelled = await api.request('PATCH', '/api/v1/namespaces/warned', { body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } }, headers: { 'content-type': 'application/merge-patch+json' } });
  assert.match(String(labelled.headers['warning']), /existing pods in namespace \\"warned\\" violate the new PodSecurity enforce level \\"baseline:latest\\".*p: privileged/);
});

test('labels that name no level are refused', async () => {
  const refused = await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'wrong', labels: { 'pod-security.kubernetes.io/enforce': 'strict', 'pod-security.kubernetes.io/warn-version': '1.2' } } } });
  assert.equal(refused.code, 422);
  assert.match(message(refused), /metadata\.labels\[pod-security\.kubernetes\.io\/enforce\]: Invalid value: "strict": must be one of privileged, baseline, restricted/);
});

test('an account that says so lets its pods use its own secrets only', async () => {
  await namespace('strict');
  const account = { metadata: { name: 'limited', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }, secrets: [{ name: 'own' }] };
  assert.equal((await api.request('POST', '/api/v1/namespaces/strict/serviceaccounts', { body: account })).code, 201);
  const create = (name: string, more: object): Promise<RawAnswer> => api.request('POST', '/api/v1/namespaces/strict/pods', { body: { metadata: { name }, spec: { ...plain, serviceAccountName: 'limited', ...more } } });
  assert.equal((await create('fine', { volumes: [{ name: 'v', secret: { secretName: 'own' } }] })).code, 201);
  const refused = await create('bad', { volumes: [{ name: 'v', secret: { secretName: 'other' } }] });
  assert.equal(message(refused), 'pods "bad" is forbidden: volume with secret.secretName="other" is not allowed because service account limited does not reference that secret');
  assert.match(message(await create('bad', { imagePullSecrets: [{ name: 'pull' }] })), /imagePullSecrets\[0\]\.name="pull" is not allowed/);
});

test('an Ingress without a class gets the default one', async () => {
  await api.request('POST', '/apis/networking.k8s.io/v1/ingressclasses', { body: { metadata: { name: 'usual', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'example.com/c' } } });
  const spec = { defaultBackend: { service: { name: 's', port: { number: 80 } } } };
  const made = await api.request('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', { body: { metadata: { name: 'i' }, spec } });
  assert.equal(made.json<{ spec: { ingressClassName: string } }>().spec.ingressClassName, 'usual');
});

test('a claim grows only when it is bound and its class allows it', async () => {
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
  const mergePatch = { 'content-type': 'application/merge-patch+json' };
  await api.request('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: { metadata: { name: 'fixed' }, provisioner: 'example.com/p' } });
  await api.request('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: { metadata: { name: 'growing' }, provisioner: 'example.com/p', allowVolumeExpansion: true } });
  for (const storageClassName of ['fixed', 'growing']) {
    const made = await api.request('POST', claims, { body: { metadata: { name: storageClassName }, spec: { storageClassName, volumeName: 'v', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } });
    assert.equal(made.code, 201, made.text);
    const grow = (): Promise<RawAnswer> => api.request('PATCH', `${claims}/${storageClassName}`, { body: { spec: { resources: { requests: { storage: '2Gi' } } } }, headers: mergePatch });
    assert.ok((await grow()).code >= 400);
    await api.request('PATCH', `${claims}/${storageClassName}/status`, { body: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }, headers: mergePatch });
    const grown = await grow();
    assert.equal(grown.code, storageClassName === 'growing' ? 200 : 403, grown.text);
  }
});

test('a certificate for the API server is not asked for in the name of its masters', async () => {
  const request = Buffer.from(mastersRequest).toString('base64');
  const ask = (signerName: string): Promise<RawAnswer> => api.request('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', { body: { metadata: { generateName: 'r-' }, spec: { request, signerName, usages: ['client auth'] } } });
  const refused = await ask('kubernetes.io/kube-apiserver-client');
  assert.equal(refused.code, 403, refused.text);
  assert.match(message(refused), /use of kubernetes\.io\/kube-apiserver-client signer with system:masters group is not allowed/);
  assert.equal((await ask('example.com/other')).code, 201);
});

test('what admission costs is counted, by plugin and step', async () => {
  const { text } = await api.request('GET', '/metrics');
  assert.match(text, /apiserver_admission_controller_admission_duration_seconds_count\{name="PodSecurity",operation="CREATE",rejected="true",type="validate"\} \d+/);
  assert.match(text, /apiserver_admission_step_admission_duration_seconds_count\{operation="CREATE",rejected="false",type="admit"\} \d+/);
});

/** `openssl req -new -subj /O=system:masters/CN=x`. */
const mastersRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIHfMIGHAgEAMCUxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQowCAYDVQQDDAF4
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvdXw+KSfvRfZVDxEjEnk3UBvI6BC
Dtc4YngZgNfMzTI9ST3jVWlUDz/ELiZhwXK860P4tqT7jBmd0SHocDOfkKAAMAoG
CCqGSM49BAMCA0cAMEQCIFFPUbAzXsY+5SDyGNR/iOlPmiM9AUPmvPDVgdKvnekv
AiBnDvwPlxMiuF3TeqCkT7aqUyNFZ9MroiQ4hnfb6mSw8w==
-----END CERTIFICATE REQUEST-----
`;
