/** Custom resources through the real kubectl. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import { startApiServer } from '../support/api-server.ts';
import { shared } from '../support/shared.ts';

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [timers]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A CronTab runs things.
        properties:
          spec:
            type: object
            description: What to run, and when.
            properties:
              cronSpec: {type: string, description: When to run.}
              image: {type: string}
              replicas: {type: integer, minimum: 1, default: 1}
              steps:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, run: {type: string}}}
          status: {type: object, properties: {replicas: {type: integer}, selector: {type: string}}}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
`;
const crontab = (spec: string): string => `
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: nightly}
spec: ${spec}
`;

describe('kubectl and custom resources', { skip: kubectlMissing, concurrency: false }, () => {
  const api = shared(() => startApiServer());
  const kubectl = shared(() => new Kubectl(api().kubeconfig));
  const run = (command: string, input?: string): Promise<string> => kubectl().out(command, input === undefined ? {} : { input });

  test('create a definition and wait until it is established', async () => {
    assert.match(await run('apply -f -', definition), /crontabs\.stable\.example\.com created/);
    assert.match(await run('wait --for=condition=Established crd/crontabs.stable.example.com --timeout=10s'), /condition met/);
    assert.match(await run('api-resources --api-group=stable.example.com'), /crontabs\s+ct\s+stable\.example\.com\/v1\s+true\s+CronTab/);
  });

  test('explain shows its fields', async () => {
    assert.match(await run('explain crontab.spec'), /What to run, and when\.[\s\S]*cronSpec\s+<string>\s+When to run\.[\s\S]*replicas\s+<integer>/);
  });

  test('apply, get by short name and category, columns', async () => {
    assert.match(await run('apply -f -', crontab('{cronSpec: "* * * * *", image: a}')), /crontab\.stable\.example\.com\/nightly created/);
    assert.match(await run('get ct'), /NAME\s+SPEC\s+REPLICAS\nnightly\s+\* \* \* \* \*\s+1/);
    assert.match(await run('get timers -o name'), /crontab\.stable\.example\.com\/nightly/);
    assert.match(await run('apply -f -', crontab('{cronSpec: "0 * * * *", image: a}')), /configured/);
    assert.match(await run('apply -f -', crontab('{cronSpec: "0 * * * *", image: a}')), /unchanged/);
    assert.equal(await run('get crontab nightly -o jsonpath={.spec.cronSpec}'), '0 * * * *');
  });

  test('unknown fields and bad values are refused', async () => {
    const unknown = await kubectl().run('apply -f -', { input: crontab('{cronSpec: x, nothing: 1}')});
    assert.match(unknown.stderr, /unknown field "spec\.nothing"/);
    const bad = await kubectl().run('apply -f -', { input: crontab('{cronSpec: x, replicas: 0}')});
    assert.match(bad.stderr, /spec\.replicas: Invalid value: 0: spec\.replicas in body should be greater than or equal to 1/);
  });

  test('scale, patch, label, server-side apply with conflicts', async () => {
    assert.match(await run('scale crontab nightly --replicas=3'), /scaled/);
    assert.equal(await run('get ct nightly -o jsonpath={.spec.replicas}'), '3');
    assert.match(await run('patch ct nightly --type=merge -p {"spec":{"image":"b"}}'), /patched/);
    assert.match(await run('label ct nightly tier=back'), /labeled/);
    assert.match(await run('apply --server-side --field-manager=one -f -', crontab('{steps: [{name: a, run: make}]}')), /serverside-applied/);
    assert.match(await run('apply --server-side --field-manager=two -f -', crontab('{steps: [{name: b, run: test}]}')), /serverside-applied/);
    assert.equal(await run('get ct nightly -o jsonpath={.spec.steps[*].name}'), 'a b');
    const conflict = await kubectl().run('apply --server-side --field-manager=two -f -', { input: crontab('{steps: [{name: a, run: other}]}')});
    assert.match(conflict.stderr, /Apply failed with 1 conflict: conflict with "one": \.spec\.steps\[name="a"\]\.run/);
  });

  test('diff and delete, of the object and of the definition', async () => {
    const diff = await kubectl().run('diff -f -', { input: crontab('{cronSpec: "5 * * * *", image: b}')});
    assert.match(diff.stdout, /\+\s+cronSpec: 5 \* \* \* \*/);
    assert.match(await run('delete ct nightly'), /crontab\.stable\.example\.com "nightly" deleted/);
    await run('apply -f -', crontab('{cronSpec: x}'));
    assert.match(await run('delete crd crontabs.stable.example.com'), /deleted/);
    const gone = await kubectl().run('get ct');
    assert.match(gone.stderr, /the server (doesn't have a resource type|could not find the requested resource)/);
  });
});
