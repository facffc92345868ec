import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Secret } from '#api/core/secret.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

describe('/metrics of the API server', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());
  const lines = async (): Promise<string[]> => {
    const answer = await api.request('GET', '/metrics');
    assert.equal(answer.code, 200, answer.text);
    assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    return answer.text.split('\n');
  };
  const value = (all: readonly string[], start: string): number => Number(all.find((line) => line.startsWith(start))?.split(' ').at(-1));

  it('counts and times requests by verb, resource and code', async () => {
    await api.client.create(Secret, { metadata: { namespace: 'default', name: 'a' } });
    await api.request('GET', '/api/v1/namespaces/default/secrets/a');
    await api.request('GET', '/api/v1/namespaces/default/secrets/absent');
    const all = await lines();
    const labels = (verb: string, scope: string): string => `verb="${verb}",group="",version="v1",resource="secrets",subresource="",scope="${scope}",component="apiserver",dry_run=""`;
    assert.equal(value(all, `apiserver_request_total{${labels('POST', 'namespace')},code="201"}`), 1);
    assert.equal(value(all, `apiserver_request_total{${labels('GET', 'resource')},code="200"}`), 1);
    assert.equal(value(all, `apiserver_request_total{${labels('GET', 'resource')},code="404"}`), 1);
    assert.equal(value(all, `apiserver_request_duration_seconds_count{${labels('GET', 'resource')}}`), 2);
    assert.equal(value(all, `apiserver_request_duration_seconds_bucket{${labels('GET', 'resource')},le="+Inf"}`), 2);
    assert.equal(value(all, `apiserver_request_sli_duration_seconds_count{${labels('GET', 'resource').replace(',dry_run=""', '')}}`), 2);
    const sizes = `apiserver_response_sizes`;
    const read = labels('GET', 'resource').replace(',dry_run=""', '');
    assert.equal(value(all, `${sizes}_count{${read}}`), 2);
    assert.ok(value(all, `${sizes}_sum{${read}}`) > 300);
    assert.ok(value(all, 'apiserver_client_certificate_expiration_seconds_bucket{le="86400"}') > value(all, 'apiserver_client_certificate_expiration_seconds_bucket{le="3600"}'));
    // The request that reads the metrics is under way.
    assert.equal(value(all, 'apiserver_current_inflight_requests{request_kind="readOnly"}'), 1);
  });

  it('counts watches while they run, and what they send', async () => {
    const running = 'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="secrets"';
    const stream = api.watch('/api/v1/namespaces/default/secrets?watch=true');
    await stream.next();
    const during = await lines();
    assert.equal(value(during, running), 1);
    assert.ok(value(during, 'apiserver_watch_events_total{group="",version="v1",resource="secrets"}') >= 1);
    await stream.return();
    for (;;) if (value(await lines(), running) === 0) break;
  });

  it('times lists that come as watches', async () => {
    const stream = api.watch('/api/v1/namespaces/default/secrets?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true');
    for await (const { type } of stream) if (type === 'BOOKMARK') break;
    assert.equal(value(await lines(), 'apiserver_watch_list_duration_seconds_count{group="",version="v1",resource="secrets",scope="namespace"}'), 1);
  });

  it('tells what is stored, what the store costs and how the process does', async () => {
    const all = await lines();
    assert.equal(value(all, 'apiserver_storage_objects{resource="namespaces"}'), 4);
    assert.ok(value(all, 'apiserver_storage_objects{resource="clusterroles.rbac.authorization.k8s.io"}') > 50);
    assert.ok(value(all, 'etcd_request_duration_seconds_count{operation="create",type="secrets"}') >= 1);
    assert.ok(value(all, 'process_resident_memory_bytes') > 1e6);
    assert.equal(value(all, 'apiserver_tls_handshake_errors_total'), 0);
    assert.ok(value(all, 'process_open_fds') > 5 && value(all, 'process_open_fds') < value(all, 'process_max_fds'));
    assert.ok(all.some((line) => line.startsWith('kubernetes_build_info{git_version="v1.36.')));
    assert.ok(value(all, 'apiserver_storage_size_bytes') > 0);
  });

  it('is well-formed: every family is described once, no line twice', async () => {
    const all = (await lines()).filter((line) => line !== '');
    const types = all.filter((line) => line.startsWith('# TYPE'));
    assert.equal(new Set(types).size, types.length);
    const samples = all.filter((line) => !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' ')));
    assert.equal(new Set(samples).size, samples.length);
    for (const line of all) assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-zA-Z_:][\w:]*(\{.*\})? (NaN|[-+]?(Inf|[\d.e+-]+)))$/, line);
  });

  it('is for those only who may get /metrics', async () => {
    const refused = await api.request('GET', '/metrics', { headers: { 'Impersonate-User': 'anna' } });
    assert.equal(refused.code, 403);
    assert.equal((await api.request('GET', '/metrics', { headers: { 'Impersonate-User': 'anna', 'Impersonate-Group': 'system:monitoring' } })).code, 200);
  });
});
