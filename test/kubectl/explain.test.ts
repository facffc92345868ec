/** kubectl explain: what the OpenAPI documents say of fields, with descriptions of the package kubernetes-models. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApiServer } from '../support/api-server.ts';
import { shared } from '../support/shared.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

describe('the real kubectl explains', { skip: kubectlMissing, concurrency: false, timeout: 60_000 }, () => {
  const api = shared(() => startApiServer());
  const kubectl = shared(() => new Kubectl(api().kubeconfig));

  it('a field with its type and meaning', async () => {
    const text = await kubectl().out('explain deployment.spec.replicas');
    assert.match(text, /FIELD: replicas <integer>/);
    assert.match(text, /Number of desired pods\./);
  });
  it('a kind, and the fields that refer to other structs', async () => {
    const text = await kubectl().out('explain deployment.spec');
    assert.match(text, /DeploymentSpec is the specification of the desired behavior/);
    assert.match(text, /selector\s+<LabelSelector> -required-\n\s+Label selector for pods/);
  });
  it('what is new in this version', async () => {
    const text = await kubectl().out('explain pod.spec.containers.env.valueFrom.fileKeyRef');
    assert.match(text, /FIELD: fileKeyRef <FileKeySelector>/);
    assert.match(text, /FileKeySelector selects a key of the env file\./);
    assert.match(text, /The name of the volume mount containing the env file\./);
  });
  it('all that is below a field', async () => {
    assert.match(await kubectl().out('explain pod.spec.containers --recursive'), / {6}secretKeyRef\s+<SecretKeySelector>\n {8}key\s+<string> -required-/);
  });
});
