/** A whole API server behind the API server: a process of its own, that asks back who may do what. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { APIService } from '#api/apiregistration/api-service.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { systemClock } from '#base/clock.ts';
import { openKind } from '#client/open-kind.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const own = { clock: systemClock, validDays: 1 };
const authority = createAuthority({ commonName: 'sample', ...own });
const serving = issueCertificate(authority, { commonName: 'sample', dnsNames: ['sample.default.svc', 'older.default.svc'], usages: ['server'], ...own });
const frontProxyCa = createAuthority({ commonName: 'front-proxy-ca', ...own });
const frontProxy = issueCertificate(frontProxyCa, { commonName: 'front-proxy-client', usages: ['client'], ...own });
const flunders = '/apis/wardle.example.com/v1alpha1/namespaces/default/flunders';
const directory = mkdtempSync(join(tmpdir(), 'skiff-aggregated-'));
const program = join(import.meta.dirname, '../support/sample-api-server/main.ts');
const kubectl = '/usr/bin/kubectl';
const noKubectl = existsSync(kubectl) ? false : 'kubectl is not installed';

let api: TestApiServer;
const processes: ChildProcess[] = [];
/** Where the endpoints of Services really are. */
const ports = new Map<string, number>();

before(async () => {
  api = await startApiServer({ egress: ({ host, port }) => ({ host: '127.0.0.1', port: ports.get(host) ?? port }), frontProxy: { client: frontProxy, caPem: frontProxyCa.certificatePem } });
  const { token } = (await api.request('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } })).json<{ status: { token: string } }>().status;
  const kubeconfig = JSON.parse(api.kubeconfig) as { readonly clusters: readonly { readonly cluster: { readonly 'certificate-authority-data': string } }[] };
  const files = { token, 'ca.crt': Buffer.from(kubeconfig.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString(), 'tls.crt': serving.certificatePem, 'tls.key': serving.privateKeyPem, kubeconfig: api.kubeconfig };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o600 });
  const subjects = [{ kind: 'ServiceAccount', namespace: 'default', name: 'default' }];
  await api.client.create(RoleBinding, { metadata: { namespace: 'kube-system', name: 'sample' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'extension-apiserver-authentication-reader' }, subjects });
  await api.client.create(ClusterRoleBinding, { metadata: { name: 'sample' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' }, subjects });
  await serve('sample', '10.244.0.21', '--aggregated-discovery');
});
after(async () => {
  for (const each of processes) each.kill();
  await api.close();
  rmSync(directory, { recursive: true });
});

/** Starts the program behind a Service and makes the APIService lead to it. Resolves when it is available. */
async function serve(name: string, address: string, ...flags: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, '--secure-port=0', '--bind-address=127.0.0.1', `--tls-cert-file=${join(directory, 'tls.crt')}`, `--tls-private-key-file=${join(directory, 'tls.key')}`, `--api-server=https://127.0.0.1:${api.connection.port}`, `--ca-file=${join(directory, 'ca.crt')}`, `--token-file=${join(directory, 'token')}`, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^serving on port (\d+)$/.exec(line)?.[1];
    if (port === undefined) continue;
    ports.set(address, Number(port));
    break;
  }
  await api.client.create(Service, { metadata: { namespace: 'default', name }, spec: { ports: [{ port: 443, targetPort: 8443 }] } });
  await api.client.create(EndpointSlice, { metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', endpoints: [{ addresses: [address] }], ports: [{ name: '', port: 8443 }] });
  await point(name);
}

async function point(service: string): Promise<void> {
  const spec = { group: 'wardle.example.com', version: 'v1alpha1', service: { namespace: 'default', name: service }, caBundle: Buffer.from(authority.certificatePem).toString('base64'), groupPriorityMinimum: 2000, versionPriority: 200 };
  await api.client.delete(APIService, { name: 'v1alpha1.wardle.example.com' }).catch(() => undefined);
  await api.client.create(APIService, { metadata: { name: 'v1alpha1.wardle.example.com' }, spec });
  for await (const batch of api.client.watch(APIService, {})) {
    for (const { object } of batch) if (object.metadata.name === 'v1alpha1.wardle.example.com' && object.status.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') === true) return;
  }
}

const flunder = (name: string, labels: object = {}): object => ({ apiVersion: 'wardle.example.com/v1alpha1', kind: 'Flunder', metadata: { name, labels }, spec: { reference: 'x' } });
const namesOf = async (): Promise<readonly string[]> => (await api.request('GET', flunders)).json<{ items: { metadata: { name: string } }[] }>().items.map(({ metadata }) => metadata.name);

test('objects are written, read, watched and deleted through it', async () => {
  assert.equal((await api.request('POST', flunders, { body: flunder('one') })).code, 201);
  const lines = api.watch(`${flunders}?watch=true`);
  assert.deepEqual([(await lines.next()).value?.object.metadata.name, (await api.request('POST', flunders, { body: flunder('two', { kept: 'no' }) })).code], ['one', 201]);
  assert.equal((await lines.next()).value?.object.metadata.name, 'two');
  await api.request('DELETE', `${flunders}/one`);
  const { value } = await lines.next();
  assert.deepEqual([value?.type, value?.object.metadata.name], ['DELETED', 'one']);
  await lines.return(undefined);
  assert.equal((await api.request('DELETE', `${flunders}?labelSelector=kept=no`)).code, 200);
  assert.deepEqual(await namesOf(), []);
});

test('components in the same process list and watch its objects as any', async () => {
  const Flunder = openKind({ group: 'wardle.example.com', version: 'v1alpha1', kind: 'Flunder', plural: 'flunders', scope: 'Namespaced' });
  const stop = new AbortController();
  const { metadata: { resourceVersion } } = await api.client.list(Flunder, {});
  const seen = (async () => {
    const events: string[] = [];
    for await (const batch of api.client.watch(Flunder, { resourceVersion, signal: stop.signal })) {
      for (const { type, object } of batch) events.push(`${type} ${object.metadata.name}`);
      if (events.length === 2) return events;
    }
    return events;
  })();
  await api.client.create(Flunder, { apiVersion: 'wardle.example.com/v1alpha1', kind: 'Flunder', metadata: { namespace: 'default', name: 'inside' } });
  assert.deepEqual((await api.client.list(Flunder, { namespace: 'default' })).items.map(({ metadata }) => metadata.name), ['inside']);
  await api.client.delete(Flunder, { namespace: 'default', name: 'inside' });
  assert.deepEqual(await seen, ['ADDED inside', 'DELETED inside']);
  stop.abort();
  await assert.rejects(api.client.get(Flunder, { namespace: 'default', name: 'inside' }), (error) => hasReason(error, 'NotFound'));
});

test('who may do what is decided by the rules of the cluster', async () => {
  const as = { 'impersonate-user': 'joe' };
  assert.equal((await api.request('GET', flunders, { headers: as })).code, 403);
  await api.client.create(ClusterRole, { metadata: { name: 'flunder-reader' }, rules: [{ apiGroups: ['wardle.example.com'], resources: ['flunders'], verbs: ['list'] }] });
  await api.client.create(ClusterRoleBinding, { metadata: { name: 'joe' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'flunder-reader' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'joe' }] });
  assert.equal((await api.request('GET', flunders, { headers: as })).code, 200);
});

test('discovery takes its own words where it has the aggregated form', async () => {
  const aggregated = await api.request('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } });
  const { items } = aggregated.json<{ items: { metadata: { name: string }; versions: { freshness: string; resources: { resource: string; shortNames?: string[] }[] }[] }[] }>();
  const [version] = items.find(({ metadata }) => metadata.name === 'wardle.example.com')?.versions ?? [];
  assert.deepEqual([version?.freshness, version?.resources.map(({ resource, shortNames }) => [resource, shortNames])], ['Current', [['flunders', ['fl']]]]);
});

test('the index of OpenAPI names its documents, which are its own', async () => {
  const { paths } = (await api.request('GET', '/openapi/v3')).json<{ paths: Readonly<Record<string, { serverRelativeURL: string }>> }>();
  assert.equal(paths['apis/wardle.example.com/v1alpha1']?.serverRelativeURL, '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=B2');
  assert.match(paths['version']?.serverRelativeURL ?? '', /hash=[0-9A-F]{128}$/, 'what both have is the cluster\'s own');
  const document = (await api.request('GET', '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=B2')).json<{ info: { title: string } }>();
  assert.equal(document.info.title, 'wardle');
});

test('version 2 of OpenAPI is one document of both, and names that clash are kept apart', async () => {
  const document = (await api.request('GET', '/openapi/v2')).json<{ paths: object; definitions: Readonly<Record<string, { description?: string; properties?: Readonly<Record<string, { $ref?: string }>> }>> }>();
  assert.ok(`/apis/wardle.example.com/v1alpha1/namespaces/{namespace}/flunders` in document.paths);
  assert.ok('/api/v1/namespaces/{namespace}/pods' in document.paths);
  const name = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
  assert.equal(document.definitions[`${name}_v2`]?.description, 'Standard metadata, in short.');
  assert.equal(document.definitions['io.k8s.sample-apiserver.pkg.apis.wardle.v1alpha1.Flunder']?.properties?.['metadata']?.$ref, `#/definitions/${name}_v2`);
  assert.equal(document.definitions['io.k8s.api.core.v1.Pod']?.properties?.['metadata']?.$ref, `#/definitions/${name}`);
  assert.ok(!('unused' in document.definitions));
  // In either encoding, and named by what is in it.
  const encoded = await api.request('GET', '/openapi/v2', { headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' } });
  assert.deepEqual([encoded.code, encoded.bytes.includes('io.k8s.sample-apiserver.pkg.apis.wardle.v1alpha1.Flunder')], [200, true]);
  assert.match(String(encoded.headers['content-type']), /^application\/com\.github\.proto-openapi\.spec\.v2/);
  const { etag } = (await api.request('GET', '/openapi/v2')).headers;
  assert.equal((await api.request('GET', '/openapi/v2', { headers: { 'if-none-match': String(etag) } })).code, 304);
});

test('kubectl explains, applies and reads its kind', { skip: noKubectl }, async () => {
  const run = async (...args: readonly string[]): Promise<string> => (await promisify(execFile)(kubectl, ['--kubeconfig', join(directory, 'kubeconfig'), '--cache-dir', join(directory, 'cache'), ...args])).stdout;
  const file = join(directory, 'flunder.json');
  assert.match(await run('explain', 'flunders.spec.reference'), /The name of another flunder\./);
  writeFileSync(file, JSON.stringify(flunder('applied')));
  assert.equal(await run('apply', '-f', file), 'flunder.wardle.example.com/applied created\n');
  writeFileSync(file, JSON.stringify(flunder('applied', { changed: 'yes' })));
  assert.equal(await run('apply', '-f', file), 'flunder.wardle.example.com/applied configured\n');
  assert.equal(await run('apply', '-f', file), 'flunder.wardle.example.com/applied unchanged\n');
  assert.equal(await run('get', 'fl', '-l', 'changed=yes', '-o', 'name'), 'flunder.wardle.example.com/applied\n');
  assert.equal(await run('delete', '-f', file), 'flunder.wardle.example.com "applied" deleted\n');
});

test('of an older server version 3 of OpenAPI is made from version 2, and discovery from its lists', { skip: noKubectl }, async () => {
  await serve('older', '10.244.0.22', '--openapi-v3=false');
  const { paths } = (await api.request('GET', '/openapi/v3')).json<{ paths: Readonly<Record<string, { serverRelativeURL: string }>> }>();
  const url = paths['apis/wardle.example.com/v1alpha1']?.serverRelativeURL ?? '';
  assert.match(url, /^\/openapi\/v3\/apis\/wardle\.example\.com\/v1alpha1\?hash=[0-9A-F]{128}$/);
  const document = (await api.request('GET', url)).json<{ openapi: string; paths: Readonly<Record<string, { post?: { requestBody?: { content: object } } }>>; components: { schemas: object } }>();
  assert.deepEqual([document.openapi, document.paths['/apis/wardle.example.com/v1alpha1/namespaces/{namespace}/flunders']?.post?.requestBody], ['3.0.0', { required: true, content: { '*/*': { schema: { $ref: '#/components/schemas/io.k8s.sample-apiserver.pkg.apis.wardle.v1alpha1.Flunder' } } } }]);
  assert.equal(Object.keys(document.components.schemas).length, 2);
  const { stdout } = await promisify(execFile)(kubectl, ['--kubeconfig', join(directory, 'kubeconfig'), '--cache-dir', join(directory, 'older-cache'), 'explain', 'flunders.spec']);
  assert.match(stdout, /What it is to be\./);
});
