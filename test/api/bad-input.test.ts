import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

interface StatusBody {
  readonly kind: string;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly reason?: string; readonly message?: string }[] };
}

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';

function deployment(change: (spec: Record<string, unknown>) => void): object {
  const spec: Record<string, unknown> = {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  };
  change(spec);
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
}

describe('bad input gets a Status that names the fault, and nothing is stored', () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  async function refused(method: string, path: string, body: string | object | undefined, code: number, headers: Record<string, string> = {}): Promise<StatusBody> {
    const answer = await api.request(method, path, { ...(body !== undefined && { body }), headers });
    assert.equal(answer.code, code, answer.text);
    const status = answer.json<StatusBody>();
    assert.equal(status.kind, 'Status');
    assert.equal(status.code, code);
    return status;
  }
  async function nothingStored(): Promise<void> {
    const list = (await api.request('GET', deployments)).json<{ items: unknown[] }>();
    assert.deepEqual(list.items, []);
  }

  it('refuses unknown fields under strict validation', async () => {
    const body = deployment((spec) => Object.assign(spec, { replicaz: 3 }));
    const status = await refused('POST', `${deployments}?fieldValidation=Strict`, body, 400);
    assert.equal(status.message, 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicaz"');
    await nothingStored();
  });

  it('warns of unknown fields when asked to warn only', async () => {
    const body = deployment((spec) => Object.assign(spec, { replicaz: 3 }));
    const answer = await api.request('POST', `${deployments}?fieldValidation=Warn&dryRun=All`, { body });
    assert.equal(answer.code, 201);
    assert.equal(answer.headers['warning'], '299 - "unknown field \\"spec.replicaz\\""');
  });

  it('refuses fields that stand twice under strict validation', async () => {
    const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}';
    const status = await refused('POST', `${configMaps}?fieldValidation=Strict`, text, 400);
    assert.match(status.message, /strict decoding error: duplicate field "data\.a"$/);
  });

  it('tells by its line what stands twice in YAML', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: "1"\n  a: "2"\n';
    const words = 'line 7: key "a" already set in map';
    const created = await refused('POST', `${configMaps}?fieldValidation=Strict`, text, 400, { 'content-type': 'application/yaml' });
    assert.match(created.message, new RegExp(`strict decoding error: yaml: unmarshal errors:\\n  ${words}$`));
    const type = { 'content-type': 'application/apply-patch+yaml' };
    const applied = await refused('PATCH', `${configMaps}/twice?fieldValidation=Strict&fieldManager=me`, text, 400, type);
    assert.equal(applied.message, `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${words}`);
    const answer = await api.request('PATCH', `${configMaps}/twice?fieldManager=me&dryRun=All`, { body: text, headers: type });
    assert.equal(answer.headers['warning'], `299 - ${JSON.stringify(words)}`);
  });

  it('applies no unknown fields, whatever the validation', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'odd', nothing: 1 }, datta: { a: 'b' } };
    for (const validation of ['Ignore', 'Warn', 'Strict']) {
      const status = await refused('PATCH', `${configMaps}/odd?fieldValidation=${validation}&fieldManager=me`, body, 400, { 'content-type': 'application/apply-patch+yaml' });
      assert.equal(status.message, 'failed to create typed patch object (default/odd; v1, Kind=ConfigMap): errors:\n  .metadata.nothing: field not declared in schema\n  .datta: field not declared in schema');
    }
  });

  it('asks writers of the newer events for what the older can leave out', async () => {
    const events = '/apis/events.k8s.io/v1/namespaces/default/events';
    const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, regarding: { namespace: 'default' }, type: 'Odd' };
    const status = await refused('POST', events, event, 422);
    assert.equal(status.message, 'Event "e" is invalid: [eventTime: Required value, type: Invalid value: "": has invalid value: Odd]');
    const said = { eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal', reason: 'r', action: 'a', reportingController: 'c', reportingInstance: 'i' };
    assert.equal((await api.request('POST', events, { body: { ...event, ...said } })).code, 201);
    const changed = await api.request('PATCH', `${events}/e`, { body: { note: 'x' }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal(changed.json<StatusBody>().message, 'Event "e" is invalid: message: Invalid value: "x": field is immutable');
    const older = await api.request('PATCH', '/api/v1/namespaces/default/events/e', { body: { message: 'x' }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal(older.code, 200, older.text);
  });

  it('refuses values of the wrong type with the path of the field', async () => {
    const status = await refused('POST', deployments, deployment((spec) => Object.assign(spec, { replicas: 'three' })), 400);
    assert.equal(
      status.message,
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
    await nothingStored();
  });

  it('names every required field that is missing', async () => {
    const body = deployment((spec) => Object.assign(spec, { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{}] } } }));
    const status = await refused('POST', deployments, body, 422);
    assert.equal(status.reason, 'Invalid');
    const fields = status.details?.causes?.map((cause) => `${cause.field}: ${cause.message}`) ?? [];
    assert.ok(fields.includes('spec.template.spec.containers[0].name: Required value'), fields.join('\n'));
    assert.ok(fields.includes('spec.template.spec.containers[0].image: Required value'), fields.join('\n'));
    assert.match(status.message, /^Deployment\.apps "web" is invalid: \[/);
    await nothingStored();
  });

  it('refuses negative replicas', async () => {
    const status = await refused('POST', deployments, deployment((spec) => Object.assign(spec, { replicas: -1 })), 422);
    assert.equal(status.message, 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0');
  });

  it('refuses a selector that does not match the template', async () => {
    const status = await refused('POST', deployments, deployment((spec) => Object.assign(spec, { selector: { matchLabels: { app: 'other' } } })), 422);
    assert.match(status.message, /spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/);
  });

  it('says of what is no JSON what it should have been', async () => {
    const status = await refused('POST', configMaps, 'apiVersion: v1\nkind: Pod\n', 400);
    assert.match(status.message, /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .* \(61706956657273696f6e3a2076310a6b696e643a20506f640a\)$/);
    assert.match((await refused('POST', configMaps, '[1]', 400)).message, /^the object provided is unrecognized \(must be of type ConfigMap\): .* \(5b315d\)$/);
  });

  it('refuses malformed JSON and YAML', async () => {
    await refused('POST', configMaps, '{"apiVersion":', 400);
    await refused('POST', configMaps, 'a: b: c', 400, { 'content-type': 'application/yaml' });
    await refused('POST', configMaps, '[]', 400);
    await refused('POST', configMaps, '', 400);
  });

  it('refuses bodies that are too large with 413', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data: { a: 'x'.repeat(4 * 1024 * 1024) } };
    const status = await refused('POST', configMaps, body, 413);
    assert.equal(status.reason, 'RequestEntityTooLarge');
  });

  it('refuses media types it cannot read or write', async () => {
    await refused('POST', configMaps, '<a/>', 415, { 'content-type': 'application/xml' });
    const answer = await api.request('GET', configMaps, { headers: { accept: 'image/png' } });
    assert.equal(answer.code, 406);
  });

  it('refuses names that are none', async () => {
    const status = await refused('POST', configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'No_Good' } }, 422);
    assert.match(status.message, /^ConfigMap "No_Good" is invalid: metadata\.name: Invalid value: "No_Good": a lowercase RFC 1123 subdomain must consist of/);
    const none = await refused('POST', configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, 422);
    assert.match(none.message, /metadata\.name: Required value: name or generateName is required/);
  });

  it('refuses an update of an object that has changed since it was read', async () => {
    const first = await api.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'stale' } });
    await api.client.update(ConfigMap, { ...first, data: { a: '1' } });
    const status = await refused('PUT', `${configMaps}/stale`, { ...first, data: { a: '2' } }, 409);
    assert.equal(status.reason, 'Conflict');
    assert.equal(
      status.message,
      'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    );
    assert.deepEqual((await api.client.get(ConfigMap, { namespace: 'default', name: 'stale' })).data, { a: '1' });
  });

  it('answers 404 for unknown kinds, versions and objects', async () => {
    await refused('GET', '/apis/apps/v1/namespaces/default/boats', undefined, 404);
    await refused('GET', '/apis/boats/v1/boats', undefined, 404);
    const status = await refused('GET', `${configMaps}/absent`, undefined, 404);
    assert.equal(status.message, 'configmaps "absent" not found');
    await refused('POST', configMaps, { apiVersion: 'v1', kind: 'Boat', metadata: { name: 'x' } }, 400);
  });

  it('refuses to create in a namespace that does not exist', async () => {
    const status = await refused('POST', '/api/v1/namespaces/nowhere/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }, 404);
    assert.equal(status.message, 'namespaces "nowhere" not found');
  });

  it('refuses selectors it cannot read', async () => {
    const labels = await refused('GET', `${pods}?labelSelector=a%20in%20(`, undefined, 400);
    assert.match(labels.message, /parse/);
    const fields = await refused('GET', `${pods}?fieldSelector=spec.nothing%3Dx`, undefined, 400);
    assert.match(fields.message, /field label not supported: spec\.nothing/);
  });

  it('refuses those who do not say who they are, but for health and version; bad credentials are a 401', async () => {
    for (const path of ['/livez', '/readyz', '/healthz', '/version']) assert.equal((await api.request('GET', path, { anonymous: true })).code, 200, path);
    for (const path of ['/api/v1/namespaces', '/livez/ping', '/metrics', '/apis', '/api/v1/namespaces/default/pods/x/log']) {
      const answer = await api.request('GET', path, { anonymous: true });
      assert.equal(answer.code, 403, path);
      assert.equal(answer.json<StatusBody>().reason, 'Forbidden');
    }
    const pods403 = (await api.request('GET', '/api/v1/namespaces/default/pods', { anonymous: true })).json<StatusBody>();
    assert.equal(pods403.message, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"');
    assert.equal((await api.request('GET', '/api', { anonymous: true, headers: { authorization: 'Bearer nonsense' } })).code, 401);
  });

  it('refuses verbs that a resource does not have', async () => {
    const status = await refused('PUT', configMaps, {}, 405);
    assert.equal(status.reason, 'MethodNotAllowed');
  });
});
