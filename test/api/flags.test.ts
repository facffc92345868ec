/** `skiff apiserver` by its flags: what test harnesses and installers pass, and what it says of the others. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { skiff } from '../cli/skiff.ts';
import type { SpawnedApiServer } from '../support/spawned-api-server.ts';
import { scratch, spawnApiServer } from '../support/spawned-api-server.ts';

/** Files as envtest lays them out: a serving pair in --cert-dir, a pair for tokens, an authority of clients. */
function envtestFiles(): { readonly directory: string; readonly clientCa: ReturnType<typeof createAuthority> } {
  const directory = scratch();
  const [ca, clientCa] = [createAuthority({ commonName: 'envtest', clock: systemClock, validDays: 1 }), createAuthority({ commonName: 'envtest-clients', clock: systemClock, validDays: 1 })];
  const serving = issueCertificate(ca, { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = createAuthority({ commonName: 'accounts', clock: systemClock, validDays: 1 });
  for (const [name, text] of [
    ['apiserver.crt', serving.certificatePem], ['apiserver.key', serving.privateKeyPem], ['sa-signer.crt', account.certificatePem], ['sa-signer.key', account.privateKeyPem],
    ['client-cert-auth-ca.crt', clientCa.certificatePem], ['rsa.key', privateKey.export({ type: 'pkcs8', format: 'pem' })],
  ] as const) writeFileSync(join(directory, name), text);
  return { directory, clientCa };
}

describe('skiff apiserver with the flags of envtest', { timeout: 60_000 }, () => {
  const { directory } = envtestFiles();
  let api: SpawnedApiServer;
  before(async () => {
    api = await spawnApiServer([
      '--allow-privileged=true', '--authorization-mode=RBAC', '--bind-address=127.0.0.1', `--cert-dir=${directory}`, `--client-ca-file=${directory}/client-cert-auth-ca.crt`,
      '--disable-admission-plugins=ServiceAccount', '--service-account-issuer=https://127.0.0.1:1234/', `--service-account-key-file=${directory}/sa-signer.crt`,
      `--service-account-signing-key-file=${directory}/sa-signer.key`, '--service-cluster-ip-range=10.0.0.0/24',
    ], directory);
  });
  after(() => api.stop());

  it('serves the certificate that lies in --cert-dir, and health to everybody', async () => {
    const response = await fetchInsecurely(api.port, '/healthz');
    assert.deepEqual(response, { code: 200, text: 'ok', issuer: 'envtest' });
  });
});

async function fetchInsecurely(port: number, path: string): Promise<{ readonly code: number; readonly text: string; readonly issuer: string }> {
  const https = await import('node:https');
  const { TLSSocket } = await import('node:tls');
  return new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false }, (response) => {
      const { issuer } = response.socket instanceof TLSSocket ? response.socket.getPeerCertificate() : { issuer: { CN: '' } };
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text, issuer: String(issuer.CN) }));
    }).on('error', reject);
  });
}

describe('skiff apiserver with admission, feature and API flags', { timeout: 60_000 }, () => {
  let api: SpawnedApiServer;
  before(async () => {
    const directory = scratch();
    writeFileSync(join(directory, 'admission.yaml'), [
      'apiVersion: apiserver.config.k8s.io/v1', 'kind: AdmissionConfiguration', 'plugins:',
      '- name: PodSecurity', '  configuration: {apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {enforce: baseline}, exemptions: {namespaces: [kube-system]}}',
      '- name: EventRateLimit', '  path: events.yaml',
    ].join('\n'));
    writeFileSync(join(directory, 'events.yaml'), 'apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits:\n- {type: Namespace, qps: 1, burst: 1}\n');
    api = await spawnApiServer([
      '--enable-admission-plugins', 'AlwaysPullImages,DenyServiceExternalIPs', '--enable-admission-plugins=NamespaceAutoProvision,EventRateLimit', '--disable-admission-plugins=ServiceAccount,NamespaceLifecycle',
      `--admission-control-config-file=${directory}/admission.yaml`, '--feature-gates=PodTopologyLabelsAdmission=false,KubeletPSI=true', '--feature-gates=WatchList=false,APIResponseCompression=false,StorageVersionHash=false,MutatingAdmissionPolicy=false', '--runtime-config=autoscaling/v1=false,policy/v1/podsecuritypolicies=false', '--runtime-config=batch/v1/cronjobs=false',
      '--anonymous-auth=false', '--external-hostname=api.example.com', '--cors-allowed-origins=^https://.*\\.example\\.com$', '--default-not-ready-toleration-seconds=7', '--v=2', '--vmodule=', '--profiling=false', '--emulated-version=1.36',
      '--tls-min-version=VersionTLS12', '--tls-curve-preferences=4588,29', '--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', '--max-requests-inflight=100', '--max-watches=100', '--max-watches-per-user=1', '--max-connections=1000', '--request-timeout=30s', '--event-ttl=1h', '--goaway-chance=0.001', '--api-audiences=api',
      '--etcd-compaction-interval=10m', '--storage-media-type=application/vnd.kubernetes.protobuf', '--logging-format=json', '--lease-reuse-duration-seconds=60', '--watch-cache', '--endpoint-reconciler-type=lease',
    ]);
  });
  after(() => api.stop());
  const pod = (name: string, more: object = {}): object => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'x', imagePullPolicy: 'IfNotPresent' }], ...more } });

  it('runs the plugins that are on, with their settings', async () => {
    const created = await api.request('POST', '/api/v1/namespaces/new/pods', { body: pod('a') });
    assert.equal(created.code, 201, created.text);
    const { spec } = created.json<{ readonly spec: { readonly containers: readonly { readonly imagePullPolicy: string }[]; readonly tolerations: readonly { readonly key: string; readonly tolerationSeconds: number }[] } }>();
    assert.equal(spec.containers[0]?.imagePullPolicy, 'Always');
    assert.equal(spec.tolerations.find(({ key }) => key === 'node.kubernetes.io/not-ready')?.tolerationSeconds, 7);
    assert.equal((await api.request('GET', '/api/v1/namespaces/new')).code, 200);
    const refused = await api.request('POST', '/api/v1/namespaces/new/pods', { body: pod('b', { hostNetwork: true }) });
    assert.match(refused.text, /violates PodSecurity \\"baseline:latest\\"/);
    assert.equal((await api.request('POST', '/api/v1/namespaces/kube-system/pods', { body: pod('b', { hostNetwork: true }) })).code, 201);
    const service = await api.request('POST', '/api/v1/namespaces/default/services', { body: { metadata: { name: 's' }, spec: { ports: [{ port: 80 }], externalIPs: ['1.2.3.4'] } } });
    assert.match(service.text, /Use of external IPs is denied by admission control/);
    const event = (name: string): object => ({ metadata: { name }, involvedObject: { namespace: 'default', kind: 'Pod', name: 'a' }, reason: 'r', message: 'm', source: { component: 'c' } });
    const codes = [await api.request('POST', '/api/v1/namespaces/default/events', { body: event('e1') }), await api.request('POST', '/api/v1/namespaces/default/events', { body: event('e2') })].map(({ code }) => code);
    assert.deepEqual(codes, [201, 429]);
  });

  it('leaves out of the API what is off', async () => {
    assert.equal((await api.request('GET', '/apis/autoscaling/v1/horizontalpodautoscalers')).code, 404);
    const { versions } = (await api.request('GET', '/apis/autoscaling')).json<{ readonly versions: readonly { readonly version: string }[] }>();
    assert.deepEqual(versions.map(({ version }) => version), ['v2']);
    assert.equal((await api.request('GET', '/apis/batch/v1/cronjobs')).code, 404);
    assert.equal((await api.request('GET', '/apis/batch/v1/jobs')).code, 200);
    assert.ok(!(await api.request('GET', '/openapi/v3/apis/batch/v1')).text.includes('/cronjobs'));
    assert.equal((await api.request('GET', '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies')).code, 404);
    assert.ok(!(await api.request('GET', '/api/v1')).text.includes('storageVersionHash'));
    assert.match((await api.request('GET', '/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan')).text, /sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled/);
    assert.equal((await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'large' }, data: { k: 'x'.repeat(200_000) } } })).code, 201);
    const large = await api.request('GET', '/api/v1/namespaces/default/configmaps', { headers: { 'accept-encoding': 'gzip' } });
    assert.deepEqual([large.headers['content-encoding'], large.text.length > 128 * 1024], [undefined, true]);
  });

  it('tells its features, its outside name, and which pages may use it', async () => {
    const metrics = await api.request('GET', '/metrics');
    assert.match(metrics.text, /kubernetes_feature_enabled\{name="PodTopologyLabelsAdmission",stage="BETA"\} 0/);
    assert.match(metrics.text, /kubernetes_feature_enabled\{name="KubeletPSI",stage=""\} 1/);
    const shown = (await api.request('GET', '/flagz')).text;
    for (const line of [/^external-hostname=api\.example\.com$/m, /^feature-gates=.*PodTopologyLabelsAdmission=false/m, /^event-ttl=/m, /^enable-priority-and-fairness=/m]) assert.match(shown, line);
    assert.match((await api.request('GET', '/api')).text, /"serverAddress":"api\.example\.com:\d+"/);
    const asked = await api.request('OPTIONS', '/api', { headers: { origin: 'https://a.example.com' }, anonymous: true });
    assert.equal(asked.headers['access-control-allow-origin'], 'https://a.example.com');
    assert.equal((await api.request('GET', '/api', { headers: { origin: 'https://example.org' } })).headers['access-control-allow-origin'], undefined);
  });

  it('lets users have as many watches as they may', async () => {
    const watch = (): ReturnType<SpawnedApiServer['request']> => api.request('GET', '/api/v1/pods?watch=true&timeoutSeconds=1');
    assert.deepEqual(new Set((await Promise.all([watch(), watch()])).map(({ code }) => code)), new Set([200, 429]));
  });

  it('lets nobody in without credentials', async () => {
    for (const path of ['/version', '/livez', '/readyz', '/healthz', '/readyz/ping']) {
      assert.equal((await api.request('GET', path, { anonymous: true })).code, 401, path);
      assert.equal((await api.request('GET', path)).code, 200, path);
    }
  });

  it('bears an Audit-Id on every answer, the client\'s own where it has one', async () => {
    assert.match(String((await api.request('GET', '/version')).headers['audit-id']), /^[0-9a-f-]{36}$/);
    assert.equal((await api.request('GET', '/version', { headers: { 'audit-id': 'mine' } })).headers['audit-id'], 'mine');
  });
});

describe('skiff apiserver with the flags of installers', { timeout: 60_000 }, () => {
  it('takes those of a manifest of kubeadm', async (t) => {
    const { directory, clientCa } = envtestFiles();
    const file = (name: string): string => join(directory, name);
    const client = issueCertificate(clientCa, { commonName: 'kube-apiserver-kubelet-client', usages: ['client'], clock: systemClock, validDays: 1 });
    for (const [name, text] of [['client.crt', client.certificatePem], ['client.key', client.privateKeyPem], ['ca.crt', clientCa.certificatePem]] as const) writeFileSync(file(name), text);
    const api = await spawnApiServer([
      '--advertise-address=127.0.0.1', '--allow-privileged=true', '--authorization-mode=Node,RBAC', `--client-ca-file=${file('ca.crt')}`, '--enable-admission-plugins=NodeRestriction', '--enable-bootstrap-token-auth=true',
      `--kubelet-client-certificate=${file('client.crt')}`, `--kubelet-client-key=${file('client.key')}`, '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname', `--proxy-client-cert-file=${file('client.crt')}`,
      `--proxy-client-key-file=${file('client.key')}`, '--requestheader-allowed-names=front-proxy-client', `--requestheader-client-ca-file=${file('ca.crt')}`, '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group', '--requestheader-username-headers=X-Remote-User', '--requestheader-uid-headers=X-Remote-Uid', '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${file('sa-signer.crt')}`, `--service-account-signing-key-file=${file('sa-signer.key')}`, '--service-cluster-ip-range=10.96.0.0/12', `--tls-cert-file=${file('apiserver.crt')}`, `--tls-private-key-file=${file('apiserver.key')}`,
      '--runtime-config=',
    ], directory);
    t.after(() => api.stop());
    assert.deepEqual([(await fetchInsecurely(api.port, '/livez?verbose')).code, (await fetchInsecurely(api.port, '/livez')).issuer], [200, 'envtest']);
    // The certificate is renewed, one file after the other.
    const renewed = issueCertificate(clientCa, { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
    writeFileSync(file('apiserver.crt'), renewed.certificatePem);
    writeFileSync(file('apiserver.key'), renewed.privateKeyPem);
    while (!api.stderr().includes('the serving certificate has changed')) await fetchInsecurely(api.port, '/livez');
    assert.equal((await fetchInsecurely(api.port, '/livez')).issuer, 'envtest-clients');
  });

  it('takes those of hack/local-up-cluster.sh, where much is empty', async (t) => {
    const directory = scratch();
    writeFileSync(join(directory, 'audit.yaml'), 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n');
    writeFileSync(join(directory, 'egress.yaml'), 'apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections: [{name: cluster, connection: {proxyProtocol: Direct}}]\n');
    const api = await spawnApiServer([
      '--authorization-mode=Node,RBAC', '--authorization-webhook-config-file=', '--authentication-token-webhook-config-file=', '--cloud-provider=', '--cloud-config=', '--v=3', '--vmodule=', `--audit-policy-file=${directory}/audit.yaml`,
      `--audit-log-path=${directory}/audit.log`, `--egress-selector-config-file=${directory}/egress.yaml`, '--service-account-lookup=true', '--service-account-issuer=https://kubernetes.default.svc', '--service-account-jwks-uri=https://kubernetes.default.svc/openid/v1/jwks',
      '--enable-admission-plugins=NamespaceLifecycle,LimitRanger,ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,Priority,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota,NodeRestriction',
      '--disable-admission-plugins=', '--admission-control-config-file=', '--storage-backend=etcd3', '--storage-media-type=application/vnd.kubernetes.protobuf', '--service-cluster-ip-range=10.0.0.0/24', '--feature-gates=AllAlpha=false', '--emulated-version=',
      '--external-hostname=localhost', '--requestheader-username-headers=X-Remote-User', '--cors-allowed-origins=/127.0.0.1(:[0-9]+)?$,/localhost(:[0-9]+)?$',
    ], directory);
    t.after(() => api.stop());
    assert.equal((await api.request('GET', '/version')).code, 200);
    const recorded = readFileSync(join(directory, 'audit.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { readonly requestURI: string; readonly stage: string });
    assert.deepEqual(recorded.filter(({ requestURI }) => requestURI === '/version').map(({ stage }) => stage), ['RequestReceived', 'ResponseComplete']);
  });
});

describe('what skiff apiserver refuses', { timeout: 120_000 }, () => {
  const directory = scratch();
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const cases: readonly (readonly [flags: readonly string[], text: RegExp])[] = [
    [['--enable-admission-plugins=Nonsense'], /enable-admission-plugins plugin "Nonsense" is unknown/],
    [['--disable-admission-plugins=Nonsense'], /disable-admission-plugins plugin "Nonsense" is unknown/],
    [['--enable-admission-plugins=AlwaysAdmit', '--disable-admission-plugins=AlwaysAdmit'], /\[AlwaysAdmit\] in enable-admission-plugins and disable-admission-plugins overlapped/],
    [['--enable-admission-plugins=ImagePolicyWebhook'], /settings of admission plugin ImagePolicyWebhook: imagePolicy\.kubeConfigFile/],
    [['--enable-admission-plugins=JobValidation'], /admission plugin "JobValidation" is not built/],
    [['--enable-admission-plugins=EventRateLimit'], /settings of admission plugin EventRateLimit/],
    [['--feature-gates=Nonsense=true'], /unrecognized feature gate: Nonsense/],
    [['--feature-gates=JobManagedBy=false'], /cannot set feature gate JobManagedBy to false, feature is locked to true/],
    [['--feature-gates=CBORServingAndStorage=maybe'], /invalid value of CBORServingAndStorage=maybe/],
    [['--feature-gates=HPAScaleToZero=true'], /cannot set feature gate HPAScaleToZero to true: what it switches on is not built/],
    [['--runtime-config=nonsense/v1=true'], /--runtime-config: nonsense\/v1 is not built/],
    [['--authorization-mode=Nonsense'], /authorization-mode "Nonsense" is not a valid mode/],
    [['--authorization-mode=Webhook'], /authorization-mode Webhook's authorization config file not passed/],
    [['--authorization-mode=RBAC,RBAC'], /specified more than once/],
    [['--storage-backend=etcd2'], /--storage-backend invalid, allowed values: etcd3/],
    [['--tls-curve-preferences=1'], /key exchange 1 is not known/],
    [['--tls-cipher-suites=NONSENSE'], /Cipher suite NONSENSE not supported or doesn't exist/],
    [['--service-account-lookup=false'], /--service-account-lookup=false is not built/],
    [['--watch-cache=false'], /--watch-cache=false is not built/],
    [['--encryption-provider-config', '/no/such/file'], /--encryption-provider-config: \/no\/such\/file cannot be read/],
    [['--encryption-provider-config', file('encryption.yaml', 'kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: YWJj}]}}]}]\n')], /resources\[0\]\.providers\[0\]\.aescbc\.keys\[0\]\.secret: Invalid value/],
    [['--audit-policy-file', file('policy.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Nonsense}]\n'), '--audit-log-path=-'], /rules\[0\]\.level: Unsupported value: "Nonsense"/],
    [['--authentication-config', file('authn.yaml', 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [{issuer: {url: "http://x", audiences: [a]}, claimMappings: {username: {claim: sub, prefix: ""}}}]\n')], /jwt\[0\]\.issuer\.url: Invalid value: "http:\/\/x": URL scheme must be https/],
    [['--oidc-issuer-url=https://x'], /oidc-issuer-url and oidc-client-id must be specified together/],
    [['--cloud-provider=aws'], /Not built: cloud providers/],
    [['--logging-format=xml'], /Not built/],
    [['--emulated-version=1.30'], /It is 1\.36/],
    [['--max-request-inflight=1'], /Did you mean --max-requests-inflight\?/],
  ];
  it('is told in one line', async () => {
    const check = async ([flags, text]: (typeof cases)[number]): Promise<void> => {
      const { code, stderr } = await skiff(['apiserver', '--storage-file=:memory:', `--cert-dir=${directory}/certs`, '--secure-port=0', ...flags]);
      assert.equal(code, 1, flags.join(' '));
      assert.match(stderr, text, flags.join(' '));
      assert.doesNotMatch(stderr, /\n {4}at /, flags.join(' '));
    };
    // The first makes the certificates; then a few at a time.
    const batches = [cases.slice(0, 1), ...Array.from({ length: Math.ceil((cases.length - 1) / 4) }, (_, index) => cases.slice(1 + index * 4, 5 + index * 4))];
    for (const batch of batches) await Promise.all(batch.map(check));
  });
});
