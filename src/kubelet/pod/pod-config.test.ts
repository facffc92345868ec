import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceOf } from './service.fixture.ts';
import { planContainerConfig, planSandboxConfig } from './container-config.ts';
import { containerResources, oomScoreAdj } from './container-resources.ts';
import { credentialsFor } from './config-lookup.ts';
import { ContainerConfigError, expandVariables, planEnvironment } from './environment.ts';
import type { EnvironmentSources } from './environment.ts';
import { withTag } from './image-puller.ts';
import { hostNameOf, kernelHostName, parseResolvConf, planDns, planHostsFile } from './pod-dns.ts';
import { podOf } from './pod.fixture.ts';
import { backoffUntilMs, goDuration, nextBackoff, restartBackoff } from './restart-backoff.ts';

const sources: EnvironmentSources = {
  configMaps: new Map([['config', { LEVEL: 'info', 'log.file': '/x' }]]), secrets: new Map([['secret', { token: Buffer.from('hush').toString('base64') }]]),
  services: [], podIps: ['10.0.0.5', 'fd00::5'], hostIps: ['192.0.2.1'], nodeAllocatable: { cpu: '4', memory: '8Gi' },
};
const main = { name: 'main', image: 'x' };

function environmentOf(container: object, from = sources): Record<string, string> {
  const pod = podOf({ containers: [{ ...main, ...container }] });
  const [first] = pod.spec.containers;
  assert.ok(first);
  return Object.fromEntries(planEnvironment(pod, first, from));
}

test('variables come from values, fields, resources, ConfigMaps and Secrets', () => {
  const environment = environmentOf({
    envFrom: [{ prefix: 'C_', configMapRef: { name: 'config' } }],
    env: [
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'secret', key: 'token' } } },
      { name: 'GREETING', value: 'I am $(POD), not $$(POD) nor $(NOBODY)' },
    ],
    resources: { requests: { memory: '64Mi' } },
  });
  assert.deepEqual(environment, {
    C_LEVEL: 'info', 'C_log.file': '/x', POD: 'web', APP: 'web', IPS: '10.0.0.5,fd00::5', CPU: '4', MEM: '64', TOKEN: 'hush', GREETING: 'I am web, not $(POD) nor $(NOBODY)',
  });
});

test('what is missing is an error unless it is optional', () => {
  const ask = (optional: boolean) => () => environmentOf({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'config', key: 'none', optional } } }] });
  assert.throws(ask(false), (error) => error instanceof ContainerConfigError && error.message === "couldn't find key none in ConfigMap default/config");
  assert.deepEqual(ask(true)(), {});
});

test('services of the namespace show as variables that own ones override', () => {
  const from = { ...sources, services: [serviceOf('my-db', '10.96.0.7', [{ name: 'sql', port: 5432 }])] };
  const environment = environmentOf({ env: [{ name: 'MY_DB_SERVICE_PORT', value: 'mine' }] }, from);
  assert.equal(environment['MY_DB_SERVICE_HOST'], '10.96.0.7');
  assert.equal(environment['MY_DB_SERVICE_PORT_SQL'], '5432');
  assert.equal(environment['MY_DB_PORT_5432_TCP'], 'tcp://10.96.0.7:5432');
  assert.equal(environment['MY_DB_SERVICE_PORT'], 'mine');
});

test('dollar signs escape each other from left to right', () => {
  const lookup = (name: string): string | undefined => (name === 'A' ? 'a' : undefined);
  assert.deepEqual(['$(A)', '$$(A)', '$$$(A)', '$', '$(', '$(A'].map((text) => expandVariables(text, lookup)), ['a', '$(A)', '$a', '$', '$(', '$(A']);
});

test('requests and limits become shares, quota and bytes', () => {
  const pod = podOf({ containers: [{ ...main, resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '1500m', memory: '128Mi' } } }] });
  const [container] = pod.spec.containers;
  assert.ok(container);
  const resources = containerResources(pod, container, 16 * 2 ** 30);
  assert.deepEqual(resources, { cpuShares: 256, cpuPeriod: 100_000, cpuQuota: 150_000, memoryLimitInBytes: 128 * 2 ** 20, oomScoreAdj: 997 });
});

test('who asked for nothing goes first when memory runs out, who has guarantees last', () => {
  const score = (resources: object): number => {
    const pod = podOf({ containers: [{ ...main, resources }] });
    return oomScoreAdj(pod, pod.spec.containers[0] ?? { resources: {} }, 2 ** 30);
  };
  assert.deepEqual([score({}), score({ requests: { memory: '512Mi' } }), score({ limits: { cpu: '1', memory: '1Mi' }, requests: { cpu: '1', memory: '1Mi' } })], [1000, 500, -997]);
});

test('a container that must not run as root does not, whoever the image asks for', () => {
  const config = (securityContext: object, image: { uid?: number; username: string }) => () => {
    const pod = podOf({ containers: [{ ...main, securityContext: { runAsNonRoot: true, ...securityContext } }] });
    const [container] = pod.spec.containers;
    assert.ok(container);
    return planContainerConfig(pod, container, { restartCount: 0, imageRef: 'x', image, environment: new Map(), mounts: [], resources: {} });
  };
  assert.throws(config({}, { uid: 0, username: '' }), /image will run as root/);
  assert.throws(config({ runAsUser: 0 }, { uid: 5, username: '' }), /breaks non-root policy/);
  assert.throws(config({}, { username: 'nginx' }), /non-numeric user \(nginx\)/);
  assert.equal(config({ runAsUser: 7 }, { uid: 0, username: '' })().linux?.securityContext?.runAsUser, 7);
});

test('the sandbox carries the labels by which the pod is found again, and its namespaces', () => {
  const pod = podOf({ containers: [main], hostPID: true, shareProcessNamespace: true, securityContext: { fsGroup: 9, supplementalGroups: [8], sysctls: [{ name: 'a.b', value: '1' }] } });
  const config = planSandboxConfig(pod, { attempt: 2, hostName: 'web', logDirectory: '/l', dns: {}, cgroupParent: '/c', resources: {} });
  assert.equal(config.labels?.['io.kubernetes.pod.uid'], 'uid-1');
  assert.equal(config.metadata.attempt, 2);
  assert.deepEqual(config.linux?.securityContext?.namespaceOptions, { network: 'POD', ipc: 'POD', pid: 'NODE' });
  assert.deepEqual(config.linux?.securityContext?.supplementalGroups, [8, 9]);
  assert.deepEqual(config.linux?.sysctls, { 'a.b': '1' });
});

test('a pod asks the cluster for names, unless it says otherwise or there is no cluster DNS', () => {
  const settings = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host: parseResolvConf('nameserver 192.0.2.53\nsearch example.com\noptions timeout:2\n') };
  const dns = (spec: object, own = settings) => planDns(podOf({ containers: [main], ...spec }), own);
  assert.deepEqual(dns({}), { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.com'], options: ['ndots:5'] });
  assert.deepEqual(dns({ dnsPolicy: 'Default' }).servers, ['192.0.2.53']);
  assert.deepEqual(dns({ hostNetwork: true }).servers, ['192.0.2.53']);
  assert.deepEqual(dns({}, { ...settings, clusterDns: [] }).servers, ['192.0.2.53']);
  assert.deepEqual(dns({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } }), { servers: ['1.1.1.1'], searches: [], options: ['ndots:2'] });
});

test('a pod knows its own name, and the aliases it asked for', () => {
  const pod = podOf({ containers: [main], hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b'] }] });
  assert.deepEqual(hostNameOf(pod, 'cluster.local'), { hostName: 'db-0', domain: 'db.default.svc.cluster.local' });
  const file = planHostsFile(pod, { podIps: ['10.0.0.5'], clusterDomain: 'cluster.local', hostFile: '' });
  assert.match(file, /^10\.0\.0\.5\tdb-0\.db\.default\.svc\.cluster\.local\tdb-0$/m);
  assert.match(file, /^192\.0\.2\.9\ta\tb$/m);
});

test('a pod may have its full name as its host name, if that fits', () => {
  const name = (spec: object): string => kernelHostName(podOf({ containers: [main], hostname: 'db-0', subdomain: 'db', ...spec }), 'cluster.local');
  assert.equal(name({}), 'db-0');
  assert.equal(name({ setHostnameAsFQDN: true }), 'db-0.db.default.svc.cluster.local');
  assert.equal(name({ setHostnameAsFQDN: true, subdomain: undefined }), 'db-0');
  assert.throws(() => name({ setHostnameAsFQDN: true, subdomain: 'a'.repeat(40) }), /^Error: failed to construct FQDN .* is too long \(64 is the max, 71 characters requested\)$/);
});

test('names of images get a tag, and what is none is refused', () => {
  assert.deepEqual(['nginx', 'a.io:5000/b/c', 'nginx:1', 'UPPER', 'a//b', ''].map(withTag), ['nginx:latest', 'a.io:5000/b/c:latest', 'nginx:1', undefined, undefined, undefined]);
});

test('a pull secret serves the registries it names', () => {
  const auths = { 'https://index.docker.io/v1/': { auth: Buffer.from('u:p').toString('base64') }, 'r.example:5000': { username: 'a', password: 'b' } };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  assert.deepEqual(credentialsFor(data, 'nginx').map(({ username, password }) => [username, password]), [['u', 'p']]);
  assert.deepEqual(credentialsFor(data, 'r.example:5000/x/y:1').map(({ username }) => username), ['a']);
  assert.deepEqual(credentialsFor(data, 'quay.io/x/y'), []);
});

test('pauses double to five minutes, and a good run of ten minutes forgives', () => {
  let entry = nextBackoff(undefined, 0, 0, restartBackoff);
  const delays = [entry.delayMs];
  for (let time = 1; time < 7; time++) delays.push((entry = nextBackoff(entry, time, time, restartBackoff)).delayMs);
  assert.deepEqual(delays, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  assert.equal(backoffUntilMs(entry, 100_000, 150_000, restartBackoff), 400_000);
  assert.equal(backoffUntilMs(entry, 700_000, 700_001, restartBackoff), undefined);
  assert.deepEqual([10_000, 80_000, 300_000].map(goDuration), ['10s', '1m20s', '5m0s']);
});
