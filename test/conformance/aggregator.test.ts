/** An API server behind the API server: a pod behind a Service, with the machinery of a whole cluster. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { join } from 'node:path';
import { describe } from 'node:test';
import { APIService } from '#api/apiregistration/api-service.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { NetworkSpace } from './network-lab.ts';
import { eventually, noNetwork, onNetwork, startNetworkLab } from './network-lab.ts';
import { shared } from '../support/shared.ts';
import { nodeProgram } from './node-program.ts';

const lab = shared(startNetworkLab, noNetwork);

interface Answer {
  readonly code: number;
  readonly text: string;
}
interface Listed {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec: { readonly versionPriority?: number } }[];
}

/** One request over HTTPS as the administrator. */
function request(method: string, path: string, body?: object, contentType = 'application/json'): Promise<Answer> {
  const { server, ca, certificate, key } = lab().connection;
  const pem = (source: typeof ca): string => (source !== undefined && 'pem' in source ? source.pem : '');
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = https.request(new URL(path, server), {
      method, agent: false, ca: pem(ca), cert: pem(certificate), key: pem(key), headers: { accept: 'application/json', ...(text !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }) },
    }, (response) => {
      void response.toArray().then((pieces) => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(pieces as Buffer[]).toString() }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

const name = 'v1alpha1.wardle.example.com';
const serviceUrl = `/apis/apiregistration.k8s.io/v1/apiservices`;
const groupVersion = 'wardle.example.com/v1alpha1';
const flunder = (of: string): object => ({ apiVersion: groupVersion, kind: 'Flunder', metadata: { name: of, labels: { 'sample-label': 'true' } } });

/** Secret, roles, deployment and Service of the sample; then the APIService, once its pod runs. */
async function deploySample(w: NetworkSpace): Promise<void> {
  const { client } = lab();
  const own = { clock: systemClock, validDays: 1 };
  const authority = createAuthority({ commonName: 'e2e-server-cert-ca', ...own });
  const pair = issueCertificate(authority, { commonName: `sample-api.${w.namespace}.svc`, dnsNames: [`sample-api.${w.namespace}.svc`], usages: ['server'], ...own });
  await client.create(Secret, { metadata: w.key('sample-apiserver-secret'), stringData: { 'tls.crt': pair.certificatePem, 'tls.key': pair.privateKeyPem } });
  const subjects = [{ kind: 'ServiceAccount', namespace: w.namespace, name: 'default' }];
  const role = (kind: 'Role' | 'ClusterRole', of: string): { readonly apiGroup: string; readonly kind: string; readonly name: string } => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: of });
  await client.create(ClusterRole, { metadata: { name: 'sample-apiserver-reader' }, rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] }, { apiGroups: ['wardle.example.com'], resources: ['flunders'], verbs: ['*'] }] });
  await client.create(ClusterRoleBinding, { metadata: { name: 'wardler:sample-apiserver' }, roleRef: role('ClusterRole', 'sample-apiserver-reader'), subjects });
  await client.create(ClusterRoleBinding, { metadata: { name: 'wardler:auth-delegator' }, roleRef: role('ClusterRole', 'system:auth-delegator'), subjects });
  await client.create(RoleBinding, { metadata: { namespace: 'kube-system', name: 'wardler-auth-reader' }, roleRef: role('Role', 'extension-apiserver-authentication-reader'), subjects });
  const labels = { app: 'sample-apiserver', apiserver: 'true' };
  const spec = nodeProgram({
    folder: join(import.meta.dirname, '../support/sample-api-server'), file: 'main.ts', args: ['--secure-port=443', '--tls-cert-file=/certificates/tls.crt', '--tls-private-key-file=/certificates/tls.key'],
    volumes: [{ name: 'certificates', secret: { secretName: 'sample-apiserver-secret' } }], mounts: [{ name: 'certificates', mountPath: '/certificates', readOnly: true }],
  });
  const [container] = spec.containers ?? [];
  assert.ok(container !== undefined);
  const containers = [{ ...container, readinessProbe: { httpGet: { path: '/readyz', port: 443, scheme: 'HTTPS' as const }, periodSeconds: 1, failureThreshold: 30 } }];
  await client.create(Deployment, { metadata: w.key('sample-apiserver-deployment'), spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { ...spec, containers } } } });
  await w.service('sample-api', { selector: { apiserver: 'true' }, ports: [{ protocol: 'TCP', port: 7443, targetPort: 443 }] });
  await w.until(Deployment, 'sample-apiserver-deployment', ({ status }) => status.availableReplicas === 1);
  await client.create(APIService, {
    metadata: { name },
    spec: { service: { namespace: w.namespace, name: 'sample-api', port: 7443 }, group: 'wardle.example.com', version: 'v1alpha1', caBundle: Buffer.from(authority.certificatePem).toString('base64'), groupPriorityMinimum: 2000, versionPriority: 200 },
  });
}

/** What its containers and their logs say, for whoever has to find out why it does not run. */
async function saidBy(w: NetworkSpace): Promise<string> {
  const { items } = await lab().client.list(Pod, { namespace: w.namespace });
  const texts = items.map(async ({ metadata, status }) => `${JSON.stringify(status.containerStatuses)} ${(await request('GET', `/api/v1/namespaces/${w.namespace}/pods/${metadata.name}/log`)).text}`);
  return (await Promise.all(texts)).join('\n');
}

async function clean(): Promise<void> {
  const { client } = lab();
  await client.delete(APIService, { name }).catch(() => undefined);
  await client.delete(RoleBinding, { namespace: 'kube-system', name: 'wardler-auth-reader' }).catch(() => undefined);
  for (const each of ['wardler:sample-apiserver', 'wardler:auth-delegator']) await client.delete(ClusterRoleBinding, { name: each }).catch(() => undefined);
  await client.delete(ClusterRole, { name: 'sample-apiserver-reader' }).catch(() => undefined);
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what shape the JSON has
const json = <T>({ code, text }: Answer): T => {
  assert.ok(code < 300, `${code}: ${text}`);
  return JSON.parse(text) as T;
};
const namesIn = async (path: string): Promise<readonly string[]> => json<Listed>(await request('GET', path)).items.map(({ metadata }) => metadata.name);

describe('conformance: the aggregator', { skip: noNetwork, concurrency: false }, () => {
  onNetwork('[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly] [Conformance]', lab, async (w) => {
    const flunders = `/apis/${groupVersion}/namespaces/${w.namespace}/flunders`;
    try {
      await deploySample(w).catch(async (error: unknown) => {
        throw new Error(`the sample does not run: ${await saidBy(w)}`, { cause: error });
      });
      await eventually('the APIService is available', () => lab().client.get(APIService, { name }), ({ status }) => status.conditions?.some((each) => each.type === 'Available' && each.status === 'True' && each.reason === 'Passed') === true);

      assert.equal((await request('POST', flunders, flunder('rest-flunder'))).code, 201);
      assert.deepEqual(await namesIn(flunders), ['rest-flunder']);
      assert.equal((await request('DELETE', `${flunders}/rest-flunder`)).code, 200);
      assert.deepEqual(await namesIn(flunders), []);

      await theSameFoundByDiscovery(flunders);
      await statusOfTheApiService();
      // What the cluster's own controllers do with objects of other servers.
      await namespaceTakesItsFlundersAlong();
      await flunderTakesWhatItOwnsAlong(w, flunders);

      assert.equal((await request('POST', flunders, flunder('collected'))).code, 201);
      assert.equal((await request('DELETE', `${flunders}?labelSelector=sample-label%3Dtrue`)).code, 200);
      assert.deepEqual(await namesIn(flunders), []);
      assert.equal((await request('DELETE', `${serviceUrl}?labelSelector=e2e-apiservice%3Dupdated`)).code, 200);
      await eventually('the APIService is gone', () => request('GET', `${serviceUrl}/${name}`), ({ code }) => code === 404);
      await eventually('its group is gone from discovery', () => request('GET', '/apis/wardle.example.com'), ({ code }) => code === 404);
      assert.equal((await request('GET', flunders)).code, 404);
    } finally {
      await clean();
    }
  });
});

/** As a client that knows nothing but discovery. */
async function theSameFoundByDiscovery(flunders: string): Promise<void> {
  const { groups } = json<{ readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[] }>(await request('GET', '/apis'));
  assert.equal(groups.find((group) => group.name === 'wardle.example.com')?.preferredVersion.groupVersion, groupVersion);
  const { resources } = json<{ readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[] }>(await request('GET', `/apis/${groupVersion}`));
  assert.deepEqual(resources.map((each) => [each.name, each.kind, each.namespaced]), [['flunders', 'Flunder', true]]);
  assert.equal((await request('POST', flunders, { ...flunder('dynamic-flunder'), spec: {} })).code, 201);
  assert.deepEqual(await namesIn(flunders), ['dynamic-flunder']);
  assert.equal((await request('DELETE', `${flunders}/dynamic-flunder`)).code, 200);
  assert.deepEqual(await namesIn(flunders), []);
}

/** Read, patched, updated and listed, while the server goes on answering. */
async function statusOfTheApiService(): Promise<void> {
  const { client } = lab();
  const read = json<{ readonly status: { readonly conditions: readonly { readonly type: string }[] } }>(await request('GET', `${serviceUrl}/${name}/status`));
  assert.deepEqual(read.status.conditions.map(({ type }) => type), ['Available']);
  const patched = json<{ readonly spec: { readonly versionPriority: number } }>(await request('PATCH', `${serviceUrl}/${name}`, { spec: { versionPriority: 400 } }, 'application/merge-patch+json'));
  assert.equal(patched.spec.versionPriority, 400);
  const all = json<Listed>(await request('GET', serviceUrl));
  assert.equal(all.items.find(({ metadata }) => metadata.name === name)?.spec.versionPriority, 400);
  json(await request('PATCH', `${serviceUrl}/${name}`, { metadata: { labels: { 'e2e-apiservice': 'patched' } } }, 'application/merge-patch+json'));
  assert.deepEqual(await namesIn(`${serviceUrl}?labelSelector=e2e-apiservice%3Dpatched`), [name]);
  const condition = { type: 'StatusUpdated', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
  await eventually('the status is written', async () => {
    const current = await client.get(APIService, { name });
    return client.updateStatus(APIService, { ...current, status: { conditions: [...current.status.conditions ?? [], { ...condition, lastTransitionTime: undefined }] } });
  }, () => true);
  await eventually('both conditions stay', () => client.get(APIService, { name }), ({ status }) => ['Available', 'StatusUpdated'].every((type) => status.conditions?.some((each) => each.type === type && each.status === 'True') === true));
  await eventually('the object is replaced', async () => {
    const current = await client.get(APIService, { name });
    return client.update(APIService, { ...current, metadata: { ...current.metadata, labels: { 'e2e-apiservice': 'updated' } }, spec: { ...current.spec, versionPriority: 200 } });
  }, ({ metadata }) => metadata.labels?.['e2e-apiservice'] === 'updated');
}

async function namespaceTakesItsFlundersAlong(): Promise<void> {
  const { client } = lab();
  const namespace = 'flunders-of-a-while';
  await client.create(Namespace, { metadata: { name: namespace } });
  const path = `/apis/${groupVersion}/namespaces/${namespace}/flunders`;
  await eventually('a flunder in another namespace', () => request('POST', path, flunder('short-lived')), ({ code }) => code === 201);
  await client.delete(Namespace, { name: namespace });
  await eventually('the namespace is gone', () => request('GET', `/api/v1/namespaces/${namespace}`), ({ code }) => code === 404);
  assert.deepEqual(await namesIn(path), []);
}

async function flunderTakesWhatItOwnsAlong(w: NetworkSpace, flunders: string): Promise<void> {
  const { client } = lab();
  const { metadata: { uid } } = json<{ readonly metadata: { readonly uid: string } }>(await request('POST', flunders, flunder('owner')));
  const ownerReferences = [{ apiVersion: groupVersion, kind: 'Flunder', name: 'owner', uid }];
  await client.create(ConfigMap, { metadata: { ...w.key('owned'), ownerReferences } });
  const { metadata: { uid: mapUid } } = await client.create(ConfigMap, { metadata: w.key('owning') });
  assert.equal((await request('POST', flunders, { ...flunder('dependent'), metadata: { name: 'dependent', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owning', uid: mapUid }] } })).code, 201);
  json(await request('DELETE', `${flunders}/owner`));
  await w.untilGone(ConfigMap, 'owned');
  await client.delete(ConfigMap, w.key('owning'));
  await eventually('the flunder goes after its owner', () => request('GET', `${flunders}/dependent`), ({ code }) => code === 404);
}
