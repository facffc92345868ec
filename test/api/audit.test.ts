/** What audit records of requests, by its policy. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import type { AuditSink } from '#apiserver/audit/audit.ts';
import { Audit } from '#apiserver/audit/audit.ts';
import type { AuditEvent } from '#apiserver/audit/event.ts';
import { openAudit } from '#apiserver/audit/open-audit.ts';
import { parsePolicy } from '#apiserver/audit/policy.ts';
import type { ApiCall } from '#apiserver/request/api-call.ts';
import { requestInfo } from '#apiserver/request/request-info.ts';
import { webhookBatch } from '#apiserver/audit/settings.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { patching, startWebhookServer } from '../support/webhook-server.ts';

const policy = parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, nonResourceURLs: [/version]}
- {level: RequestResponse, omitManagedFields: true, resources: [{group: "", resources: [configmaps]}], verbs: [create, patch, list]}
- {level: Request, resources: [{group: "", resources: [configmaps]}], verbs: [update]}
- {level: Metadata, resources: [{group: "", resources: [configmaps, secrets, pods]}], omitStages: [RequestReceived]}
`);

describe('audit', { timeout: 60_000 }, () => {
  const events: AuditEvent[] = [];
  const sink: AuditSink = { name: 'log', isStrict: false, take: (event) => void events.push(event), close: () => Promise.resolve() };
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer({ audit: new Audit({ policy, sinks: [sink], clock: systemClock, random: seededRandom(2) }) });
  });
  after(() => api.close());
  const since = async (work: () => Promise<unknown>): Promise<AuditEvent[]> => {
    const from = events.length;
    await work();
    return events.slice(from);
  };
  const path = '/api/v1/namespaces/default/configmaps';

  it('tells how long a slow request took', async () => {
    const clock = new SimulatedClock();
    const seen: AuditEvent[] = [];
    const audit = new Audit({ policy: parsePolicy('{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}'), sinks: [{ ...sink, take: (event) => void seen.push(event) }], clock, random: seededRandom(3) });
    const call = { info: requestInfo('GET', '/api/v1/pods', false), user: { name: 'anna', groups: [] }, query: {}, userAgent: '', body: () => undefined } as unknown as ApiCall;
    for (const ms of [500, 62_500]) {
      await audit.recorded(async () => {
        await clock.advance(ms);
        return { is: 'json', code: 200, body: {} };
      })(call);
    }
    assert.deepEqual(seen.filter(({ stage }) => stage === 'ResponseComplete').map(({ annotations }) => annotations?.['apiserver.latency.k8s.io/total']), [undefined, '1m2.5s']);
  });

  it('tells of a write what was sent and answered, without managed fields, and how it was allowed', async () => {
    const [received, complete, ...more] = await since(() => api.request('POST', `${path}?fieldManager=x`, { body: { metadata: { name: 'a' }, data: { k: 'v' } }, headers: { 'audit-id': 'mine', 'user-agent': 'test/1' } }));
    assert.deepEqual(more, []);
    assert.deepEqual([received?.stage, complete?.stage], ['RequestReceived', 'ResponseComplete']);
    assert.equal(received?.requestObject, undefined);
    const { auditID, verb, requestURI, user, userAgent, sourceIPs, objectRef, responseStatus, annotations, level } = complete ?? ({} as AuditEvent);
    assert.deepEqual([auditID, verb, requestURI, user.username, userAgent, sourceIPs, level], ['mine', 'create', `${path}?fieldManager=x`, 'admin', 'test/1', ['127.0.0.1'], 'RequestResponse']);
    assert.deepEqual(objectRef, { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' });
    assert.deepEqual(responseStatus, { metadata: {}, code: 201 });
    assert.deepEqual(annotations, { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' });
    assert.deepEqual(complete?.requestObject, { metadata: { name: 'a' }, data: { k: 'v' } });
    const answered = JSON.parse(JSON.stringify(complete?.responseObject)) as { readonly kind: string; readonly metadata: object; readonly data: object };
    assert.deepEqual([answered.kind, answered.data, 'managedFields' in answered.metadata], ['ConfigMap', { k: 'v' }, false]);
  });

  it('tells of a failed request why, and of lists what they held', async () => {
    const [, failed] = await since(() => api.request('POST', path, { body: { metadata: { name: 'a' } } }));
    assert.deepEqual([failed?.responseStatus?.code, failed?.responseStatus?.reason, failed?.responseStatus?.status], [409, 'AlreadyExists', 'Failure']);
    const [, listed] = await since(() => api.request('GET', path));
    assert.equal((listed?.responseObject as { readonly items: readonly unknown[] } | undefined)?.items.length, 1);
  });

  it('leaves out what the level leaves out', async () => {
    const [, replaced] = await since(() => api.request('PUT', `${path}/a`, { body: { metadata: { name: 'a' }, data: { k: 'w' } } }));
    assert.deepEqual([replaced?.level, replaced?.requestObject !== undefined, replaced?.responseObject], ['Request', true, undefined]);
    const got = await since(() => api.request('GET', `${path}/a`));
    assert.deepEqual(got.map(({ stage, requestObject, responseObject }) => [stage, requestObject, responseObject]), [['ResponseComplete', undefined, undefined]]);
    assert.deepEqual(await since(() => api.request('GET', '/api/v1/nodes')), []);
  });

  it('names both who asks and as whom, and whom it did not know', async () => {
    const [denied] = await since(() => api.request('GET', '/api/v1/namespaces/default/secrets', { headers: { 'impersonate-user': 'bert' } }));
    assert.deepEqual([denied?.user.username, denied?.impersonatedUser?.username, denied?.responseStatus?.code, denied?.annotations?.['authorization.k8s.io/decision']], ['admin', 'bert', 403, 'forbid']);
    assert.deepEqual(denied?.authenticationMetadata, { impersonationConstraint: 'impersonate:user-info' });
    const [unknown] = await since(() => api.request('GET', '/version', { headers: { authorization: 'Bearer nonsense' }, anonymous: true }));
    assert.deepEqual([unknown?.stage, unknown?.responseStatus?.code], ['ResponseStarted', 401]);
  });

  it('tells when a watch begins and when it ends', async () => {
    const from = events.length;
    const stream = api.watch(`${path}?watch=true`);
    await stream.next();
    assert.deepEqual(events.slice(from).map(({ stage }) => stage), ['ResponseStarted']);
    await stream.return();
    // The server hears of it in its own time.
    while (events.length < from + 2) await api.request('GET', '/livez');
    assert.deepEqual(events.slice(from).map(({ stage, verb }) => [stage, verb]), [['ResponseStarted', 'watch'], ['ResponseComplete', 'watch']]);
  });

  it('sees what components in the same process do', async () => {
    const [, created] = await since(() => api.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'own' } }));
    assert.deepEqual([created?.user.username, created?.requestURI, created?.sourceIPs], ['system:admin', path, undefined]);
  });

  it('bears what admission noted', async () => {
    await api.request('PATCH', '/api/v1/namespaces/default', { body: { metadata: { labels: { 'pod-security.kubernetes.io/audit': 'restricted' } } }, headers: { 'content-type': 'application/merge-patch+json' } });
    const [created] = await since(() => api.request('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } } }));
    assert.equal(created?.responseStatus?.code, 201);
    assert.equal(created.annotations?.['pod-security.kubernetes.io/enforce-policy'], 'privileged:latest');
    assert.match(created.annotations['pod-security.kubernetes.io/audit-violations'] ?? '', /would violate PodSecurity "restricted:latest"/);
  });

  it('tells which webhooks were asked, what they changed, and which could not be', async (t) => {
    const hooks = await startWebhookServer();
    t.after(() => hooks.close());
    hooks.answer('/label', () => patching({ op: 'add', path: '/metadata/labels', value: { a: 'b' } }));
    hooks.answer('/broken', () => 'garbage');
    const of = (name: string): object => ({ name: `${name}.example.com`, clientConfig: hooks.at(`/${name}`), failurePolicy: 'Ignore', rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], sideEffects: 'None', admissionReviewVersions: ['v1'] });
    const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    assert.equal((await api.request('POST', configurations, { body: { metadata: { name: 'hooks' }, webhooks: [of('label'), of('broken')] } })).code, 201);
    const [, created] = await since(() => api.request('POST', path, { body: { metadata: { name: 'hooked' } } }));
    await api.request('DELETE', `${configurations}/hooks`);
    const { annotations = {} } = created ?? {};
    assert.deepEqual(JSON.parse(annotations['mutation.webhook.admission.k8s.io/round_0_index_0'] ?? ''), { configuration: 'hooks', webhook: 'label.example.com', mutated: true });
    assert.deepEqual(JSON.parse(annotations['patch.webhook.admission.k8s.io/round_0_index_0'] ?? ''), { configuration: 'hooks', webhook: 'label.example.com', patch: [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }], patchType: 'JSONPatch' });
    assert.equal(annotations['failed-open.mutating.webhook.admission.k8s.io/round_0_index_1'], 'broken.example.com');
  });

  it('counts', async () => {
    const { text } = await api.request('GET', '/metrics');
    assert.match(text, /apiserver_audit_event_total \d+/);
    assert.match(text, /apiserver_audit_level_total\{level="None"\} \d+/);
  });
});

describe('audit to a service', { timeout: 60_000 }, () => {
  it('sends events in lists, again when the service fails', async (t) => {
    const lists: { readonly kind: string; readonly items: readonly AuditEvent[] }[] = [];
    let attempts = 0;
    const service = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        response.writeHead(++attempts === 1 ? 500 : 200).end();
        if (attempts > 1) lists.push(JSON.parse(text) as (typeof lists)[number]);
      });
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const directory = mkdtempSync(join(tmpdir(), 'skiff-audit-'));
    t.after(() => {
      service.close();
      rmSync(directory, { recursive: true });
    });
    const [kubeconfig, policyFile] = [join(directory, 'kubeconfig'), join(directory, 'policy.yaml')];
    writeFileSync(kubeconfig, JSON.stringify({ clusters: [{ name: 'a', cluster: { server: `http://127.0.0.1:${(service.address() as AddressInfo).port}/audit` } }], users: [], contexts: [{ name: 'a', context: { cluster: 'a', user: '' } }], 'current-context': 'a' }));
    writeFileSync(policyFile, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, nonResourceURLs: [/version]}]\n');
    const audit = openAudit({ policyFile, webhook: { kubeconfig, initialBackoffMs: 1, mode: 'batch', batch: { ...webhookBatch, maxWaitMs: 1 } } }, { clock: systemClock, random: seededRandom(3), log: silentLog });
    const api = await startApiServer({ audit });
    await api.request('GET', '/version');
    await api.close();
    assert.deepEqual(lists.map(({ kind, items }) => [kind, items.map(({ requestURI, stage }) => [requestURI, stage])]), [['EventList', [['/version', 'ResponseComplete']]]]);
    assert.equal(attempts, 2);
  });
});
