/** What kubectl's commands do to objects, by an API server alone. Checks that Kubernetes' own command tests make, too. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApiServer } from '../support/api-server.ts';
import { shared } from '../support/shared.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

/** With what admission would fill in of accounts, which cannot be taken away again. */
const account = { serviceAccountName: 'default', automountServiceAccountToken: false };
const pod = (name: string, { label = name, image = 'pause:1' }: { readonly label?: string; readonly image?: string } = {}): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { name: label } }, spec: { ...account, containers: [{ name: 'main', image }] },
});
const service = (clusterIP: string): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'fixed' }, spec: { clusterIP, ports: [{ port: 80 }], selector: { a: 'b' } } });
const deployment = (name: string, more: object = {}): object => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
  spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx:1' }] } }, ...more },
});
const list = (...items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

describe('kubectl\'s commands on objects', { skip: kubectlMissing, concurrency: false, timeout: 120_000 }, () => {
  const api = shared(() => startApiServer());
  const kubectl = shared(() => new Kubectl(api().kubeconfig));
  const field = (what: string, path: string): Promise<string> => kubectl().out(`get ${what} -o jsonpath=${path}`);
  const managers = (what: string): Promise<string> => field(`${what} --show-managed-fields`, '{.metadata.managedFields[*].manager}');

  it('are signed by the manager that each command is', async () => {
    await kubectl().out(`create -f ${kubectl().file('pod.json', pod('signed'))}`);
    await kubectl().out('label pod signed a=b --record');
    await kubectl().out('annotate pod signed c=d');
    await kubectl().out('patch pod signed -p', { more: ['{"metadata":{"annotations":{"e":"f"}}}'] });
    await kubectl().out('edit pod signed', { environment: { EDITOR: kubectl().file('edit.sh', '#!/bin/sh\nsed -i "s/pause:1/pause:3/" "$1"\n') } });
    assert.deepEqual((await managers('pod signed')).split(' ').sort(), ['kubectl-annotate', 'kubectl-create', 'kubectl-edit', 'kubectl-label', 'kubectl-patch']);
    assert.match(await field('pod signed', '{.metadata.annotations.kubernetes\\.io/change-cause}'), /kubectl label pod signed a=b --record=true/);
    await kubectl().out('delete pod signed --now');
  });

  it('say that a patch that does not fit is to blame, and which version was expected', async () => {
    await kubectl().out(`create -f ${kubectl().file('pod.json', pod('patched'))}`);
    assert.match(await kubectl().failure('patch pod patched -p', { more: ['{"metadata":{"labels":"invalid"}}'] }), /The request is invalid: patch: Invalid value: "map\[metadata:map\[labels:invalid\]\]": cannot restore map from string/);
    assert.match(await kubectl().out('patch pod patched -p', { more: ['{"metadata":{"labels":{"name":"patched"}}}'] }), /patched \(no change\)/);
    const stale = '{"metadata":{"resourceVersion":"1","labels":{"x":"y"}}}';
    assert.match(await kubectl().failure('patch pod patched -p', { more: [stale] }), /please apply your changes to the latest version and try again/);
    await kubectl().out('delete pod patched --now');
  });

  it('replace what has no version of its own, and by force what cannot be changed', async () => {
    await kubectl().out(`create -f ${kubectl().file('node.json', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'replaced' } })}`);
    const file = kubectl().file('node.json', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'replaced', annotations: { a: 'b' }, resourceVersion: '0' } });
    await kubectl().out(`replace --dry-run=server -f ${file}`);
    assert.equal(await field('node replaced', '{.metadata.annotations.a}'), '');
    await kubectl().out(`replace -f ${file}`);
    assert.equal(await field('node replaced', '{.metadata.annotations.a}'), 'b');
    await kubectl().out('delete node replaced');
    await kubectl().out(`apply -f ${kubectl().file('service.json', service('10.96.0.11'))}`);
    const other = kubectl().file('service.json', service('10.96.0.12'));
    assert.match(await kubectl().failure(`apply -f ${other}`), /may not change once set/);
    await kubectl().out(`apply --force -f ${other}`);
    assert.equal(await field('service fixed', '{.spec.clusterIP}'), '10.96.0.12');
    await kubectl().out('delete service fixed');
  });

  it('keep the last applied configuration only where apply was used', async () => {
    const last = (): Promise<string> => field('pod kept', '{.metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration}');
    await kubectl().out(`create -f ${kubectl().file('pod.json', pod('kept'))}`);
    await kubectl().out(`replace -f ${kubectl().file('pod.json', pod('kept', { label: 'replaced' }))}`);
    assert.equal(await last(), '');
    await kubectl().out(`apply set-last-applied --create-annotation --dry-run=server -f ${kubectl().file('pod.json', pod('kept', { label: 'replaced' }))}`);
    assert.equal(await last(), '');
    await kubectl().out(`apply -f ${kubectl().file('pod.json', pod('kept', { label: 'applied' }))}`);
    assert.match(await last(), /"name":"applied"/);
    await kubectl().out('replace -f -', { input: (await kubectl().out('get pod kept -o yaml')).replace('name: applied', 'name: again') });
    assert.match(await last(), /"name":"again"/);
    await kubectl().out('delete pod kept --now');
  });

  it('move between apply on the client and on the server, and back', async () => {
    const [file, changed] = [kubectl().file('a.json', pod('moved')), kubectl().file('b.json', pod('moved', { label: 'changed' }))];
    await kubectl().out(`apply -f ${file}`);
    assert.match(await kubectl().failure(`apply --server-side --field-manager=somebody -f ${changed}`), /conflict with "kubectl-client-side-apply"/);
    await kubectl().out(`apply --server-side -f ${changed}`);
    assert.match(await kubectl().out('apply view-last-applied pod/moved'), /name: changed/);
    // What was filled in when it was made now belongs to the one who applies; that he does not name it must not take it away.
    await kubectl().out(`apply --server-side -f ${file}`);
    assert.equal(await field('pod moved', '{.spec.priority}/{.spec.tolerations[*].key}'), '0/node.kubernetes.io/not-ready node.kubernetes.io/unreachable');
    assert.match(await kubectl().out('apply view-last-applied pod/moved'), /name: moved/);
    await kubectl().out(`apply -f ${changed}`);
    await kubectl().out('delete pod moved --now');
  });

  it('clear defaults with what they belong to', async () => {
    const template = (volume: object): object => ({ metadata: { labels: { app: 'cleared' } }, spec: { containers: [{ name: 'main', image: 'nginx:1' }], volumes: [{ name: 'cache', ...volume }] } });
    await kubectl().out(`apply -f ${kubectl().file('d.json', deployment('cleared', { template: template({ emptyDir: {} }) }))}`);
    assert.match(await kubectl().out('get deploy cleared -o yaml'), /emptyDir: \{\}[^]*|maxSurge: 25%/);
    await kubectl().out(`apply -f ${kubectl().file('d.json', deployment('cleared', { strategy: { type: 'Recreate' }, template: template({ hostPath: { path: '/tmp' } }) }))}`);
    assert.equal(await field('deploy cleared', '{.spec.strategy}{.spec.template.spec.volumes[0].emptyDir}'), '{"type":"Recreate"}');
    await kubectl().out('delete deploy cleared');
  });

  it('apply what they can of several objects, and say why the rest is left', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', singular: 'widget', kind: 'Widget' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
    };
    const file = kubectl().file('widgets.json', list({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'one' } }, definition));
    assert.match(await kubectl().failure(`apply -f ${file}`), /no matches for kind "Widget" in version "example.com\/v1"/);
    await kubectl().out(`apply -f ${file}`);
    assert.equal(await kubectl().out('get widgets -o name'), 'widget.example.com/one\n');
    await kubectl().out(`delete -f ${file} --timeout=20s`);
    assert.match(await kubectl().failure(`apply -f ${kubectl().file('pods.json', list(pod('pod-a'), pod('POD-B', { label: 'b' }), pod('pod-c')))}`), /The Pod "POD-B" is invalid/);
    assert.equal(await kubectl().out('get pods -o name'), 'pod/pod-a\npod/pod-c\n');
    await kubectl().out('delete pods --all --now');
    assert.match(await kubectl().failure(`apply -n foo -f ${kubectl().file('p.json', { ...pod('x'), metadata: { name: 'x', namespace: 'bar' } })}`), /the namespace from the provided object "bar" does not match the namespace "foo"/);
  });

  it('prune what is no longer applied, by labels and by a set', async () => {
    const labelled = (name: string): object => ({ ...pod(name), metadata: { name, labels: { prune: 'yes' } } });
    await kubectl().out(`apply -l prune=yes --prune -f ${kubectl().file('p.json', labelled('old'))}`);
    assert.match(await kubectl().failure(`apply --prune -f ${kubectl().file('p.json', labelled('new'))}`), /all resources selected for prune without explicitly passing --all/);
    assert.match(await kubectl().out(`apply -l prune=yes --prune -f ${kubectl().file('p.json', labelled('new'))}`), /pod\/old pruned/);
    await kubectl().out('delete pod new --now');
    const environment = { KUBECTL_APPLYSET: 'true' };
    await kubectl().out(`apply -n default --prune --applyset=mine -f ${kubectl().file('p.json', pod('old'))}`, { environment });
    assert.match(await kubectl().out(`apply -n default --prune --applyset=mine -f ${kubectl().file('p.json', pod('new'))}`, { environment }), /pod\/old pruned/);
    await kubectl().out('delete pod/new secret/mine --now');
  });

  it('show differences without writing, and exit as diff does', async () => {
    const file = kubectl().file('pod.json', pod('differs'));
    const code = async (command: string): Promise<number> => (await kubectl().run(command)).code;
    assert.equal(await code(`diff -f ${file}`), 1);
    await kubectl().out(`apply -f ${file}`);
    const version = await field('pod differs', '{.metadata.resourceVersion}');
    const changed = kubectl().file('changed.json', pod('differs', { image: 'pause:9' }));
    assert.equal(await code(`diff -f ${file}`), 0);
    for (const flags of ['', ' --server-side --force-conflicts']) {
      const { code: exit, stdout } = await kubectl().run(`diff${flags} -f ${changed}`);
      assert.deepEqual([exit, /\+ {2}- image: pause:9/.test(stdout)], [1, true], stdout);
    }
    assert.ok(await code(`diff -f ${kubectl().file('invalid.json', { ...pod('wrong'), spec: { containers: [{ image: 'x' }] } })}`) > 1);
    assert.equal(await field('pod differs', '{.metadata.resourceVersion}'), version);
    await kubectl().out('delete pod differs --now');
  });

  it('check fields as strictly as they are told', async () => {
    const file = kubectl().file('d.json', { ...deployment('checked'), foo: 'bar' });
    for (const flag of ['', ' --validate', ' --validate=true', ' --validate=strict']) assert.match(await kubectl().failure(`create -f ${file}${flag}`), /strict decoding error: unknown field "foo"|error validating data/);
    const { stdout, stderr } = await kubectl().run(`create -f ${file} --validate=warn`);
    assert.deepEqual([stdout, stderr], ['deployment.apps/checked created\n', 'Warning: unknown field "foo"\n']);
    for (const flag of ['false', 'ignore']) {
      await kubectl().out('delete deploy checked');
      assert.deepEqual(await kubectl().run(`create -f ${file} --validate=${flag}`), { code: 0, stdout: 'deployment.apps/checked created\n', stderr: '' });
    }
    await kubectl().out('delete deploy checked');
  });

  it('write bodies as they are with --raw', async () => {
    const map = (data: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'raw' }, data });
    const path = '/api/v1/namespaces/default/configmaps';
    await kubectl().out(`create --raw ${path} -f ${kubectl().file('m.json', map({}))}`);
    assert.match(await kubectl().out(`replace --raw ${path}/raw -f ${kubectl().file('m.json', map({ a: 'b' }))}`), /"uid":/);
    assert.match(await kubectl().out(`get --raw ${path}/raw`), /"data":\{"a":"b"\}/);
    await kubectl().out(`delete --raw ${path}/raw`);
    assert.match(await kubectl().failure('get cm raw'), /configmaps "raw" not found/);
    assert.match(await kubectl().failure(`create --raw /api/v1/namespaces -f ${kubectl().file('m.yaml', 'apiVersion: v1\nkind: Pod\n')}`), /the object provided is unrecognized \(must be of type Namespace\)/);
  });

  it('read and write parts of objects', async () => {
    await kubectl().out(`create -f ${kubectl().file('d.json', deployment('parts'))}`);
    assert.match(await kubectl().out('get deploy parts --subresource=scale -o json'), /"kind": "Scale"/);
    await kubectl().out('patch deploy parts --subresource=scale --type=merge -p', { more: ['{"spec":{"replicas":2}}'] });
    assert.equal(await field('deploy parts', '{.spec.replicas}'), '2');
    const status = JSON.parse(await kubectl().out('get deploy parts --subresource=status -o json')) as { status: object };
    await kubectl().out('replace --subresource=status -f -', { input: { ...status, status: { observedGeneration: 77 } } });
    assert.equal(await field('deploy parts', '{.status.observedGeneration}'), '77');
    await kubectl().out('delete deploy parts');
  });

  it('merge the text of a Secret into its data', async () => {
    await kubectl().out('create -f -', { input: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'merged' }, data: { k1: 'djE=', k2: '' }, stringData: { k2: 'v2' } } });
    assert.equal(await field('secret merged', '{.data.k1}/{.data.k2}/{.stringData}'), 'djE=/djI=/');
    await kubectl().out('delete secret merged');
  });

  it('expose objects, with ports from where they stand and names cut to size', async () => {
    const long = 'a-name-of-far-more-than-sixty-three-characters-that-is-cut-where-it-has-to-be';
    await kubectl().out(`create -f ${kubectl().file('p.json', pod(long, { label: 'long' }))}`);
    assert.equal(await kubectl().out(`expose -f ${kubectl().file('p.json', pod(long, { label: 'long' }))} --port=80`), `service/${long.slice(0, 63)} exposed\n`);
    assert.match(await kubectl().failure(`expose -f ${kubectl().file('p.json', pod(long, { label: 'long' }))} --port=80 --name=${long}`), /metadata\.name: Invalid value/);
    await kubectl().out(`expose service ${long.slice(0, 63)} --port=443 --name=again`);
    assert.equal(await field('service again', '{.spec.ports[0].name}/{.spec.ports[0].port}'), '/443');
    assert.match(await kubectl().failure('set selector service again x=y --resource-version=1'), /Conflict/);
    assert.match(await managers('service again'), /kubectl-expose/);
    await kubectl().out(`delete service again ${long.slice(0, 63)}`);
    await kubectl().out(`delete pod ${long} --now`);
  });

  it('delete by labels, by fields of all namespaces, and nothing when nothing is named', async () => {
    for (const namespace of ['one', 'two']) {
      await kubectl().out(`create ns ${namespace}`);
      await kubectl().out(`create cm gone -n ${namespace}`);
      await kubectl().out(`label cm gone -n ${namespace} delete=me`);
    }
    await kubectl().failure('delete cm');
    await kubectl().failure('delete cm --all -l delete=me');
    assert.match(await kubectl().out('delete cm -l delete=me -A --dry-run=server'), /configmap "gone" deleted.* \(server dry run\)/);
    assert.equal(await kubectl().out('get cm -A -l delete=me -o name'), 'configmap/gone\nconfigmap/gone\n');
    await kubectl().out('delete cm -l delete=me -A');
    assert.equal(await kubectl().out('get cm -A -l delete=me -o name'), '');
  });
});
