/** What kubectl's commands show, by an API server alone. Checks that Kubernetes' own command tests make, too. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApiServer } from '../support/api-server.ts';
import { shared } from '../support/shared.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

const definition = (plural: string, { group, kind, names = {}, version = {} }: { readonly group: string; readonly kind: string; readonly names?: object; readonly version?: object }): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}` },
  spec: { group, scope: 'Namespaced', names: { plural, kind, ...names }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }, ...version }] },
});

describe('what kubectl\'s commands show', { skip: kubectlMissing, concurrency: false, timeout: 120_000 }, () => {
  const api = shared(() => startApiServer());
  const kubectl = shared(() => new Kubectl(api().kubeconfig));
  /** The URLs that a command asked for, without the address. */
  async function urls(command: string): Promise<readonly string[]> {
    const { stderr } = await kubectl().run(`${command} -v=6`);
    return [...stderr.matchAll(/https:\/\/[^/\s"]+(\/\S*?)"? (?:status="200 OK"|200 OK)/g)].map(([, path = '']) => decodeURIComponent(path));
  }
  const established = (name: string): Promise<string> => kubectl().out(`wait --for=condition=Established crd/${name} --timeout=10s`);

  it('says what there is not, and only there where people read', async () => {
    for (const output of ['json', 'yaml', 'name', 'jsonpath={.items}', 'go-template={{.items}}', 'custom-columns=NAME:.metadata.name']) {
      const { code, stdout, stderr } = await kubectl().run(`get pods -o ${output}`);
      assert.deepEqual([code, (stdout + stderr).includes('No resources found')], [0, false], output);
    }
    for (const command of ['get pods', 'get pods -o wide']) assert.equal((await kubectl().run(command)).stderr, 'No resources found in default namespace.\n');
    assert.equal((await kubectl().run('get pods --ignore-not-found')).stderr, '');
    assert.equal(await kubectl().failure('get pod/no-such-pod'), 'Error from server (NotFound): pods "no-such-pod" not found\n');
    assert.match(await kubectl().failure('get foobar'), /the server doesn't have a resource type "foobar"/);
    assert.match(await kubectl().failure('get pod x -A'), /a resource cannot be retrieved by name across all namespaces/);
  });

  it('reads in pages of the size asked for', async () => {
    const pages = await urls('get clusterroles --chunk-size=10');
    assert.match(pages[0] ?? '', /\/clusterroles\?limit=10$/);
    assert.match(pages[1] ?? '', /\/clusterroles\?continue=.*&limit=10$/);
    assert.ok((await urls('get clusterroles')).some((path) => path.endsWith('/clusterroles?limit=500')));
    assert.match(await kubectl().out('get ns --chunk-size=1 --no-headers'), /^default [^]*^kube-public [^]*^kube-system /m);
  });

  it('describes every kind page by page, with events and without', async () => {
    await kubectl().out('create cm described --from-literal=a=b');
    for (const kind of ['configmaps', 'services', 'serviceaccounts', 'namespaces', 'priorityclasses']) {
      assert.ok((await urls(`describe ${kind} --chunk-size=10 --show-events=false`)).some((path) => path.endsWith(`/${kind}?limit=10`)), kind);
      assert.ok((await urls(`describe ${kind} --show-events=true`)).some((path) => path.includes(`/${kind}?limit=500`)), kind);
    }
    assert.match(await kubectl().out('describe cm described'), /Events: +<none>/);
    assert.doesNotMatch(await kubectl().out('describe cm described --show-events=false'), /Events/);
    await kubectl().out('delete cm described');
  });

  it('shows all kinds of the category all', async () => {
    const asked = (await urls('get all --chunk-size=0')).map((path) => path.replace(/^.*\//, ''));
    for (const plural of ['pods', 'replicationcontrollers', 'services', 'daemonsets', 'deployments', 'replicasets', 'statefulsets', 'horizontalpodautoscalers', 'jobs', 'cronjobs']) assert.ok(asked.includes(plural), `${plural} in ${asked.join(' ')}`);
    assert.match(await kubectl().out('get --raw /api/v1'), /\{"name":"configmaps","singularName":"configmap","namespaced":true,"kind":"ConfigMap","verbs":\["create","delete","deletecollection","get","list","patch","update","watch"\],"shortNames":\["cm"\],"storageVersionHash":/);
  });

  it('sorts by any field, as tables with whole objects', async () => {
    for (const [name, label] of [['one', 'c'], ['two', 'b'], ['three', 'a']] as const) {
      await kubectl().out('create -f -', { input: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { sorted: 'yes', by: label } } } });
    }
    const names = async (flags: string): Promise<string> => (await kubectl().out(`get cm -l sorted=yes --no-headers ${flags}`)).replaceAll(/^(\S+).*$/gm, '$1').trim().split('\n').join(' ');
    assert.equal(await names('--sort-by={.metadata.labels.by}'), 'three two one');
    assert.equal(await names('--sort-by={.metadata.name}'), 'one three two');
    assert.equal(await names('--sort-by={.metadata.labels.by} --server-print=false'), 'three two one');
    assert.ok((await urls('get cm --sort-by={.metadata.name}')).some((path) => path.includes('includeObject=Object')));
    await kubectl().out('delete cm -l sorted=yes');
  });

  it('ends a watch with the time that the request has', async () => {
    await kubectl().out('create cm watched');
    assert.match(await kubectl().out('get cm watched -w --request-timeout=1'), /^NAME +DATA +AGE\nwatched +0 +\d+s\n$/);
    assert.equal(await kubectl().out('get cm watched -w -o name --request-timeout=1'), 'configmap/watched\n');
    assert.match(await kubectl().failure('get cm watched --request-timeout=1p'), /Invalid timeout value/);
    assert.match(await kubectl().failure('get cm nothing -w --request-timeout=1'), /"nothing" not found/);
    await kubectl().out('delete cm watched');
  });

  it('prefers the kinds that came first where names are the same', async () => {
    await kubectl().out('create -f -', { input: definition('foos', { group: 'bar.com', kind: 'Foo', names: { shortNames: ['exmp', 'pod'], categories: ['all'] } }) });
    await kubectl().out('create -f -', { input: definition('examples', { group: 'test.com', kind: 'Example', names: { singular: 'pod', shortNames: ['exmp'] } }) });
    await established('foos.bar.com');
    await established('examples.test.com');
    await kubectl().out('api-resources');
    await kubectl().out('create -f -', { input: { apiVersion: 'bar.com/v1', kind: 'Foo', metadata: { name: 'mine' } } });
    assert.doesNotMatch(await kubectl().out('get pod'), /mine/);
    const { stdout, stderr } = await kubectl().run('get exmp');
    assert.match(stdout, /\nmine /);
    assert.match(stderr, /short name "exmp" could also match lower priority resource examples\.test\.com/);
    assert.match(await kubectl().out('get all'), /foo\.bar\.com\/mine/);
    for (const name of ['foo', 'foos', 'foos.bar.com', 'foos.v1.bar.com', 'foo.bar.com']) assert.equal(await kubectl().out(`get ${name}/mine -o name`), 'foo.bar.com/mine\n');
    await kubectl().out('delete crd foos.bar.com examples.test.com --timeout=20s');
  });

  it('warns of versions that are going', async () => {
    await kubectl().out('create -f -', { input: definition('olds', { group: 'old.com', kind: 'Old', version: { deprecated: true } }) });
    await established('olds.old.com');
    assert.match((await kubectl().run('get olds')).stderr, /^Warning: old\.com\/v1 Old is deprecated\n/);
    assert.match(await kubectl().failure('get olds --warnings-as-errors'), /1 warning received/);
    await kubectl().out('delete crd olds.old.com --timeout=20s');
  });

  it('takes custom resources like any, but for strategic patches', async () => {
    await kubectl().out('create -f -', { input: definition('bars', { group: 'company.com', kind: 'Bar' }) });
    await established('bars.company.com');
    const bar = (nested: object): string => kubectl().file('bar.json', { apiVersion: 'company.com/v1', kind: 'Bar', metadata: { name: 'test' }, some: 'field1', nested });
    await kubectl().out(`apply -f ${bar({ one: 1, two: 2 })}`);
    assert.equal(await kubectl().out(`apply -f ${bar({ one: 1, two: 2 })}`), 'bar.company.com/test unchanged\n');
    await kubectl().out(`apply -f ${bar({ one: 3, three: 3 })}`);
    assert.equal(await kubectl().out('get bars/test -o jsonpath={.nested}'), '{"one":3,"three":3}');
    await kubectl().out('patch bars/test --type=merge -p', { more: ['{"some":null}'] });
    assert.match(await kubectl().failure(`patch --local -f ${bar({})} -p`, { more: ['{"some":"x"}'] }), /try --type merge/);
    assert.match(await kubectl().failure('patch bars/test --type=strategic -p', { more: ['{"some":"x"}'] }), /application\/strategic-merge-patch\+json|unsupported media type/i);
    await kubectl().out('label bars --all seen=yes');
    assert.match(await kubectl().out('describe bars'), /Labels: +seen=yes/);
    assert.equal(await kubectl().out('get bars -o jsonpath={.items[*].nested.one} --allow-missing-template-keys=false'), '3');
    assert.match(await kubectl().failure('get bars/test -o jsonpath={.missing} --allow-missing-template-keys=false'), /missing is not found/);
    await kubectl().out('delete crd bars.company.com --timeout=20s');
    await kubectl().failure('get bars');
  });

  it('finds the words of Kubernetes\' OpenAPI document', async () => {
    const document = (await api().request('GET', '/openapi/v2')).text;
    for (const words of ['list of returned', 'Watch for changes to the described resources']) assert.ok(document.includes(words), words);
    for (const name of ['pods', 'po', 'po.status.message', 'cronjob']) assert.match(await kubectl().out(`explain ${name}`), /^(?:GROUP: .*\n)?KIND: /);
  });

  it('says who somebody is and what he may', async () => {
    assert.match(await kubectl().out('auth whoami -o json'), /"kind": "SelfSubjectReview"[^]*"username": "admin"/);
    for (const [question, answer] of [['* *', /^yes\n/], ['get pods --subresource=log', /^yes\n/], ['get /logs/', /^yes\n/], ['create pods --as=nobody', /^no\n/]] as const) {
      assert.match((await kubectl().run(`auth can-i ${question}`)).stdout, answer);
    }
    assert.match((await kubectl().run('auth can-i get foo')).stderr, /Warning: the server doesn't have a resource type 'foo'/);
    assert.match((await kubectl().run('auth can-i get nodes')).stderr, /Warning: resource 'nodes' is not namespace scoped/);
    assert.match(await kubectl().failure('create role x --verb=get --resource=deployments.nothing'), /the server doesn't have a resource type "deployments" in group "nothing"/);
    assert.match(await kubectl().failure('get pods --as-group=foo'), /without impersonating a user/);
  });

  it('gives tokens to accounts', async () => {
    await kubectl().out('create sa robot');
    const token = (await kubectl().out('create token robot --duration=1h')).trim();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { readonly sub: string; readonly exp: number; readonly iat: number };
    assert.deepEqual([claims.sub, claims.exp - claims.iat], ['system:serviceaccount:default:robot', 3600]);
    assert.match(await kubectl().failure('create token robot --duration=1s'), /spec\.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes/);
    assert.match(await kubectl().failure('create token nobody'), /serviceaccounts "nobody" not found/);
  });
});
