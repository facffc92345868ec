/** What containers on a real node are given: files, images as volumes, an issuer to verify tokens by, and each other. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'node:test';
import { WebSocket } from 'ws';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { startImageRegistry } from '../support/image-registry.ts';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import { isReady } from './cluster.ts';
import { netexecImage } from './network-image.ts';
import type { NetworkSpace, PodTraits } from './network-lab.ts';
import { eventually, noNetwork, onNetwork, podSpec, startNetworkLab } from './network-lab.ts';
import { shared } from '../support/shared.ts';
import { nodeProgram } from './node-program.ts';

const lab = shared(startNetworkLab, noNetwork);

const programs = join(import.meta.dirname, '../support/programs');
const logOf = async (w: NetworkSpace, pod: string): Promise<string> => {
  let text = '';
  for await (const piece of await lab().client.podLogs(w.key(pod))) text += Buffer.from(piece).toString();
  return text;
};

describe('conformance: the cluster', { skip: noNetwork, concurrency: false }, () => {
  onNetwork('[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]', lab, async (w) => {
    const nodes = (await lab().client.list(Node)).items.filter(({ spec, status }) => (spec.taints ?? []).length === 0 && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true);
    assert.equal(nodes.length, 2);
    // Each runs pods, and they reach each other.
    const on = (name: string): NonNullable<PodTraits['spec']> => ({ ...podSpec([{ name: 'c', tcp: 8080 }]), nodeName: name });
    const names = nodes.map(({ metadata }) => metadata.name);
    const pods = await Promise.all(names.map((name) => w.pod(`on-${name}`, { spec: on(name) })));
    for (const [index, { status }] of pods.entries()) await w.reaches(`on-${names[1 - index]}`, `${status.podIP}:8080`, [`on-${names[index]}`]);
  });
});

describe('conformance: tokens and files of pods', { skip: noNetwork, concurrency: false }, () => {
  onNetwork('[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer [Conformance]', lab, async (w) => {
    await lab().client.create(ServiceAccount, { metadata: w.key('oidc-discovery-validator') });
    const audience = 'oidc-discovery-test';
    const spec = nodeProgram({
      folder: programs, file: 'verify-token.ts', args: ['/var/run/secrets/tokens/sa-token', audience],
      volumes: [{ name: 'sa-token', projected: { sources: [{ serviceAccountToken: { path: 'sa-token', expirationSeconds: 7200, audience } }] } }], mounts: [{ name: 'sa-token', mountPath: '/var/run/secrets/tokens', readOnly: true }],
    });
    await lab().client.create(Pod, { metadata: w.key('oidc-discovery-validator'), spec: { ...spec, restartPolicy: 'Never', serviceAccountName: 'oidc-discovery-validator' } });
    const { status } = await w.until(Pod, 'oidc-discovery-validator', (pod) => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed');
    const text = await logOf(w, 'oidc-discovery-validator');
    assert.equal(status.phase, 'Succeeded', text);
    assert.match(text, new RegExp(`^system:serviceaccount:${w.namespace}:oidc-discovery-validator verified by https://`));
  });

  onNetwork('[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [NodeConformance] [Conformance]', lab, async (w) => {
    const original = { name: 'original', mountPath: '/etc/hosts-original' };
    const container = (name: string, more: readonly { readonly name: string; readonly mountPath: string }[] = []) => ({ name, image: netexecImage, imagePullPolicy: 'Never' as const, command: ['/netexec', 'pause'], volumeMounts: [original, ...more] });
    const common = { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, volumes: [{ name: 'original', hostPath: { path: '/etc/hosts', type: 'File' as const } }] };
    await lab().client.create(Pod, { metadata: w.key('test-pod'), spec: { ...common, containers: [container('c'), container('busybox-2'), container('busybox-3', [{ name: 'original', mountPath: '/etc/hosts' }])] } });
    await lab().client.create(Pod, { metadata: w.key('test-host-network-pod'), spec: { ...common, hostNetwork: true, containers: [container('c'), container('busybox-2')] } });
    for (const name of ['test-pod', 'test-host-network-pod']) await w.until(Pod, name, isReady);
    const ofNode = await readFile('/etc/hosts', 'utf8');
    const kubectl = kubectlOf();
    const read = (pod: string, name: string, file: string): Promise<string> => kubectl.out(`-n ${w.namespace} exec ${pod} -c ${name} -- cat ${file}`);
    const managed = /^# Kubernetes-managed hosts file\.$/m;
    try {
      const { status } = await lab().client.get(Pod, w.key('test-pod'));
      for (const name of ['c', 'busybox-2']) {
        const text = await read('test-pod', name, '/etc/hosts');
        assert.match(text, managed, name);
        assert.match(text, new RegExp(`^${status.podIP?.replaceAll('.', '\\.')}\ttest-pod$`, 'm'), 'it names the pod');
        assert.equal(await read('test-pod', name, '/etc/hosts-original'), ofNode, name);
      }
      // What a container mounts there itself is left alone.
      assert.equal(await read('test-pod', 'busybox-3', '/etc/hosts'), ofNode);
      for (const name of ['c', 'busybox-2']) {
        const text = await read('test-host-network-pod', name, '/etc/hosts');
        assert.doesNotMatch(text, managed, name);
        assert.ok(text.includes(ofNode.trim()), name);
      }
    } finally {
      kubectl.close();
    }
  });

  onNetwork('[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35] [Conformance]', lab, async (w) => {
    const registry = await startImageRegistry('kitten', '1.0', { files: [{ path: 'data.json', content: '{"image":"kitten.jpg"}\n' }, { path: 'etc/os-release', content: 'NAME="Alpine Linux"\n' }] });
    try {
      const volumes = [{ name: 'volume', image: { reference: registry.reference, pullPolicy: 'Always' as const } }];
      const volumeMounts = [{ name: 'volume', mountPath: '/volume' }, { name: 'volume', mountPath: '/etc-of-image', subPath: 'etc' }];
      const containers = [{ name: 'c', image: netexecImage, imagePullPolicy: 'Never' as const, command: ['/netexec', 'pause'], volumeMounts }];
      await w.pod('test-pod', { spec: { containers, volumes } });
      assert.match(await w.exec('test-pod', 'cat', '/volume/data.json'), /kitten\.jpg/);
      assert.match(await w.exec('test-pod', 'cat', '/volume/etc/os-release'), /Alpine Linux/);
      assert.match(await w.exec('test-pod', 'cat', '/etc-of-image/os-release'), /Alpine Linux/);
      assert.match(await w.exec('test-pod', 'sh', '-c', 'echo x > /volume/new || echo refused'), /refused/);
      assert.equal(registry.pulls(), 1);
      // Once more although it is on the node: that is what the policy says.
      await w.pod('second', { spec: { containers, volumes } });
      assert.equal(registry.pulls(), 2);
      await lab().client.delete(Pod, w.key('test-pod'), { gracePeriodSeconds: 0 });
      await w.untilGone(Pod, 'test-pod');
      assert.match(await w.exec('second', 'cat', '/volume/data.json'), /kitten\.jpg/);
      await lab().client.create(Pod, { metadata: w.key('without'), spec: { containers, volumes: [{ name: 'volume', image: { reference: registry.reference.replace('kitten', 'puppy'), pullPolicy: 'Always' } }] } });
      await w.until(Pod, 'without', ({ status }) => ['ErrImagePull', 'ImagePullBackOff'].includes(status.containerStatuses?.[0]?.state?.waiting?.reason ?? ''));
    } finally {
      await registry.close();
    }
  });
});

describe('conformance: an application of several parts', { skip: noNetwork === false ? kubectlMissing : noNetwork, concurrency: false }, () => {
  onNetwork('[sig-cli] Kubectl client Guestbook application should create and stop a working application [Conformance]', lab, async (w) => {
    const kubectl = kubectlOf();
    try {
      const part = (name: string, tier: string, replicas: number, args: readonly string[]): readonly object[] => {
        const labels = { app: name === 'frontend' ? 'guestbook' : 'agnhost', tier };
        const spec = nodeProgram({ folder: programs, file: 'guestbook.ts', args });
        const containers = spec.containers?.map((each) => ({ ...each, ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { path: '/healthz', port: 80 }, periodSeconds: 1, failureThreshold: 60 } }));
        return [
          { apiVersion: 'v1', kind: 'Service', metadata: { name, labels }, spec: { ports: [{ port: 80 }], selector: labels } },
          { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { ...spec, containers } } } },
        ];
      };
      const items = [...part('agnhost-primary', 'backend', 1, ['primary']), ...part('agnhost-replica', 'replica', 2, ['replica', 'agnhost-primary']), ...part('frontend', 'frontend', 3, ['frontend', 'agnhost-primary', 'agnhost-replica'])];
      const input = { apiVersion: 'v1', kind: 'List', items };
      await kubectl.out(`-n ${w.namespace} create -f -`, { input });
      for (const name of ['agnhost-primary', 'agnhost-replica', 'frontend']) await kubectl.out(`-n ${w.namespace} rollout status deployment/${name} --timeout=40s`);
      const ask = (query: string): Promise<string> => kubectl.out(`get --raw /api/v1/namespaces/${w.namespace}/services/frontend/proxy/guestbook?${query}`);
      await eventually('the guestbook serves', () => ask('cmd=get&key=messages&value='), (text) => text === '{"data":""}');
      await eventually('an entry is written', () => ask('cmd=set&key=messages&value=TestEntry'), (text) => text === '{"message":"Updated"}');
      // Both replicas have it, whichever the Service leads to.
      for (let time = 0; time < 6; time++) await eventually('the entry is read', () => ask('cmd=get&key=messages&value='), (text) => text === '{"data":"TestEntry"}');
      await kubectl.out(`-n ${w.namespace} delete --grace-period=0 --force -f -`, { input });
      await eventually('nothing is left', () => kubectl.run(`-n ${w.namespace} get deployments,replicasets,services,pods --no-headers -o name`), ({ stdout }) => stdout === '');
    } finally {
      kubectl.close();
    }
  });
});

describe('conformance: ports of the host, logs and streams', { skip: noNetwork === false ? kubectlMissing : noNetwork, concurrency: false }, () => {
  onNetwork('[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]', lab, async (w) => {
    const { nodeAddress } = lab();
    const hostPort = 54_323;
    for (const [name, hostIP, protocol] of [['pod1', '127.0.0.1', 'TCP'], ['pod2', nodeAddress, 'TCP'], ['pod3', nodeAddress, 'UDP']] as const) {
      const { containers = [], ...spec } = podSpec([{ name: 'c', tcp: 8080, udp: 8080 }]);
      await lab().client.create(Pod, { metadata: w.key(name), spec: { ...spec, containers: containers.map((each) => ({ ...each, ports: [{ containerPort: 8080, hostPort, hostIP, protocol }] })) } });
      await w.until(Pod, name, isReady);
    }
    await w.pod('e2e-host-exec', { spec: { hostNetwork: true } });
    await w.reaches('e2e-host-exec', `127.0.0.1:${hostPort}`, ['pod1']);
    await w.reaches('e2e-host-exec', `${nodeAddress}:${hostPort}`, ['pod2']);
    await w.reaches('e2e-host-exec', `${nodeAddress}:${hostPort}`, ['pod3'], 'udp');
  });

  onNetwork('[sig-network] Proxy version v1 should proxy through a service and a pod [Conformance]', lab, async (w) => {
    await w.pod('porter', { tcp: 8080 });
    await w.service('porter', { selector: { name: 'porter' }, ports: [{ name: 'portname1', protocol: 'TCP', port: 80, targetPort: 8080 }] });
    const kubectl = kubectlOf();
    try {
      const base = `/api/v1/namespaces/${w.namespace}`;
      const places = ['services/porter:portname1', 'services/http:porter:portname1', 'services/porter:80', 'services/http:porter:80', 'pods/porter:8080', 'pods/http:porter:8080'];
      for (const place of places) await eventually(place, () => kubectl.out(`get --raw ${base}/${place}/proxy/hostname`), (text) => text === 'porter');
      const { stderr, code } = await kubectl.run(`get --raw ${base}/pods/porter:8081/proxy/hostname`);
      assert.deepEqual([code, /ServiceUnavailable|error trying to reach service/.test(stderr)], [1, true], stderr);
    } finally {
      kubectl.close();
    }
  });

  onNetwork('[sig-cli] Kubectl logs logs should be able to retrieve and filter logs [Conformance]', lab, async (w) => {
    const kubectl = kubectlOf();
    try {
      const script = 'i=0; while [ $i -lt 50 ]; do echo "line $i of what is logged"; i=$((i+1)); done; sleep 4; echo "the last"; exec /netexec pause';
      await w.pod('logs-generator', { spec: { containers: [{ name: 'c', image: netexecImage, imagePullPolicy: 'Never', command: ['sh', '-c', script] }] } });
      const logs = (flags: string): Promise<string> => kubectl.out(`-n ${w.namespace} logs logs-generator c ${flags}`.trim());
      await eventually('all has been logged', () => logs(''), (text) => text.includes('the last'));
      const all = await logs('');
      assert.equal(all.split('\n').length, 52);
      assert.equal(await logs('--tail=1'), 'the last\n');
      assert.equal(await logs('--limit-bytes=1'), 'l');
      const [stamp = '', ...words] = (await logs('--tail=1 --timestamps')).trim().split(' ');
      assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(Z|[+-]\d\d:\d\d)$/);
      assert.equal(words.join(' '), 'the last');
      assert.equal(await logs('--since=24h'), all);
      // The first fifty are older than this, by the clock of whoever wrote them.
      assert.equal(await logs(`--since-time=${new Date(Date.parse(stamp) - 2000).toISOString()}`), 'the last\n');
    } finally {
      kubectl.close();
    }
  });

  onNetwork('[sig-node] Pods should support remote command execution over websockets [NodeConformance] [Conformance]', lab, async (w) => {
    await w.pod('p');
    for (const protocol of ['channel.k8s.io', 'v4.channel.k8s.io', 'v5.channel.k8s.io']) {
      const channels = await overWebSocket(`/api/v1/namespaces/${w.namespace}/pods/p/exec?container=c&stdout=1&stderr=1&command=sh&command=-c&command=${encodeURIComponent('cat /etc/resolv.conf; echo complaint >&2')}`, protocol);
      assert.match(channels.get(1) ?? '', /^nameserver \d/m, protocol);
      assert.equal(channels.get(2), 'complaint\n', protocol);
    }
  });
  onNetwork('[sig-node] Pods should support retrieving logs from the container over websockets [NodeConformance] [Conformance]', lab, async (w) => {
    await w.pod('p', { spec: { containers: [{ name: 'c', image: netexecImage, imagePullPolicy: 'Never', command: ['sh', '-c', 'echo container is alive; exec /netexec pause'] }] } });
    await eventually('it has said something', () => logOf(w, 'p'), (text) => text !== '');
    assert.equal((await overWebSocket(`/api/v1/namespaces/${w.namespace}/pods/p/log?container=c`, 'binary.k8s.io')).get(0), 'container is alive\n');
  });
});

/** What came on each channel until the other end closed; without channels all is on channel 0. */
async function overWebSocket(path: string, protocol: string): Promise<ReadonlyMap<number, string>> {
  const { server, ca, certificate, key } = lab().connection;
  const pem = (source: typeof ca): string => (source !== undefined && 'pem' in source ? source.pem : '');
  const socket = new WebSocket(`${server.replace('https', 'wss')}${path}`, [protocol], { ca: pem(ca), cert: pem(certificate), key: pem(key) });
  const channels = new Map<number, string>();
  const closed = Promise.withResolvers<void>();
  socket.on('message', (message: Buffer) => {
    const hasChannels = protocol.includes('channel');
    const channel = hasChannels ? (message[0] ?? 0) : 0;
    channels.set(channel, (channels.get(channel) ?? '') + message.subarray(hasChannels ? 1 : 0).toString());
  });
  socket.on('close', () => closed.resolve());
  socket.on('error', (error) => closed.reject(error));
  await closed.promise;
  return channels;
}

/** The real kubectl as the cluster's administrator. */
function kubectlOf(): Kubectl {
  const { server, ca, certificate, key } = lab().connection;
  const base64 = (source: typeof ca): string => Buffer.from(source !== undefined && 'pem' in source ? source.pem : '').toString('base64');
  return new Kubectl(JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'admin', user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
  }));
}
