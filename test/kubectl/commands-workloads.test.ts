/**
 * kubectl's commands on what controllers look after, by an API server and the controllers, without scheduler and nodes:
 * no pod ever runs. Checks that Kubernetes' own command tests make, too.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { inProcessAdmin } from '#apiserver/api-server.ts';
import { createComponentContext } from '#cluster/component-context.ts';
import { controllersFor } from '#controllers/index.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { createAuthority } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

const template = (app: string, ...images: readonly string[]): object => ({ metadata: { labels: { app } }, spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) } });
const workload = (kind: string, name: string, images: readonly string[], spec: object = {}): object => ({
  apiVersion: 'apps/v1', kind, metadata: { name, labels: { app: name } }, spec: { selector: { matchLabels: { app: name } }, template: template(name, ...images), ...spec },
});

describe('kubectl\'s commands with controllers', { skip: kubectlMissing, concurrency: false, timeout: 180_000 }, () => {
  let api: TestApiServer;
  let kubectl: Kubectl;
  let close: () => Promise<void>;
  before(async () => {
    api = await startApiServer();
    kubectl = new Kubectl(api.kubeconfig);
    const authority = createAuthority({ commonName: 'signer', clock: systemClock, validDays: 1 });
    const context = createComponentContext({ transport: api.server.transport(inProcessAdmin, 'controllers'), clock: systemClock, random: seededRandom(1), log: silentLog });
    const running = runControllers(context, controllersFor({ enabled: ['*', '-node-ipam-controller', '-node-lifecycle-controller', '-pod-garbage-collector-controller'], clusterSigning: authority, rootCaPem: authority.certificatePem }));
    await running.ready;
    close = async () => {
      await running.close();
      await context.informers.close();
    };
    await kubectl.out('create -f -', { input: { apiVersion: 'v1', kind: 'Node', metadata: { name: '127.0.0.1', annotations: { saves: 'managers' } }, status: { capacity: { memory: '1Gi' } } } });
  });
  after(async () => {
    kubectl.close();
    await close();
    await api.close();
  });
  /** Reads until the answer is as wanted. */
  async function comes(command: string, wanted: RegExp): Promise<void> {
    let seen = '';
    for (let attempt = 0; attempt < 100; attempt++) {
      const { stdout, stderr } = await kubectl.run(command);
      seen = stdout + stderr;
      if (wanted.test(seen)) return;
      await pause(50);
    }
    assert.match(seen, wanted, command);
  }
  const images = (what: string): Promise<string> => kubectl.out(`get ${what} -o jsonpath={.spec.template.spec.containers[*].image}`);

  for (const [kind, spec] of [['DaemonSet', {}], ['StatefulSet', { replicas: 0, serviceName: 'x' }]] as const) {
    it(`keeps why a ${kind} was changed, and goes back`, async () => {
      const what = kind.toLowerCase();
      const [one, two] = [kubectl.file('one.json', workload(kind, 'old', ['a:1'], spec)), kubectl.file('two.json', workload(kind, 'old', ['a:2', 'b:1'], spec))];
      await kubectl.out(`apply -f ${one} --record`);
      await comes('get controllerrevisions -o jsonpath={.items[*].metadata.annotations}', /one\.json --record=true/);
      await kubectl.out(`rollout undo ${what}/old --to-revision=1`);
      await kubectl.out(`apply -f ${two} --record`);
      await comes(`rollout history ${what}/old`, new RegExp(`^${what}\\.apps/old *\\nREVISION {2}CHANGE-CAUSE\\n1 {9}kubectl apply .*one\\.json --record=true\\n2 {9}kubectl apply .*two\\.json`));
      assert.match(await kubectl.out(`rollout history ${what}/old --revision=1`), new RegExp(`^${what}\\.apps/old with revision #1\\nPod Template:\\n[^]*a:1`));
      await kubectl.out(`rollout undo ${what}/old --dry-run=server`);
      assert.equal(await images(`${what} old`), 'a:2 b:1');
      await kubectl.out(`rollout undo ${what}/old --to-revision=1`);
      assert.equal(await images(`${what} old`), 'a:1');
      await comes(`rollout history ${what}/old`, /\n2 {9}kubectl apply .*\n3 {9}kubectl apply .*one\.json/);
      assert.match(await kubectl.failure(`rollout undo ${what}/old --to-revision=1000000`), /unable to find specified revision/);
      await kubectl.out(`rollout undo ${what}/old`);
      assert.equal(await images(`${what} old`), 'a:2 b:1');
      await kubectl.out(`delete ${what} old`);
      await comes('get controllerrevisions,pods', /^No resources found/);
    });
  }

  it('counts generations of templates alone, and revisions of Deployments', async () => {
    const generation = (): Promise<string> => kubectl.out('get deploy counted -o jsonpath={.metadata.generation}');
    const revision = (number: number): Promise<void> => comes('get deploy counted -o jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}', new RegExp(`^${number}$`));
    await kubectl.out(`create -f ${kubectl.file('d.json', workload('Deployment', 'counted', ['a:1']))}`);
    await revision(1);
    await kubectl.out('label deploy counted x=y');
    assert.equal(await generation(), '1');
    await kubectl.out('set image deploy/counted *=a:2');
    await revision(2);
    await kubectl.out('rollout undo deploy/counted');
    await revision(3);
    await kubectl.out('rollout pause deploy/counted');
    assert.match(await kubectl.failure('rollout undo deploy/counted'), /cannot rollback a paused deployment/);
    assert.match(await kubectl.failure('rollout restart deploy/counted'), /can't restart paused deployment/);
    await kubectl.out('rollout resume deploy/counted');
    const newest = /NewReplicaSet: +(\S+)/.exec(await kubectl.out('describe deploy counted'))?.[1] ?? '';
    assert.equal(await kubectl.out(`get rs ${newest} -o jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision-history}`), '1');
    assert.match(await kubectl.failure('rollout status deploy/counted --revision=2'), /desired revision \(2\) is different from the running revision \(3\)/);
    await kubectl.out('rollout restart deploy/counted');
    await revision(4);
    assert.match(await kubectl.out('get deploy counted --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}'), /kubectl-rollout/);
    assert.match(await kubectl.failure('set image deploy/counted nothing=b'), /unable to find container named "nothing"/);
    await kubectl.out('delete deploy counted');
    await comes('get rs,pods', /^No resources found/);
  });

  it('leaves behind what is orphaned', async () => {
    await kubectl.out(`create -f ${kubectl.file('d.json', workload('Deployment', 'parent', ['a:1'], { replicas: 2 }))}`);
    await comes('get pods -l app=parent -o name', /^pod\/\S+\npod\/\S+\n$/);
    await kubectl.out('delete deploy parent --cascade=orphan');
    await comes('get deploy', /^No resources found/);
    assert.match(await kubectl.out('get rs -l app=parent -o jsonpath={.items[*].spec.replicas}/{.items[*].metadata.ownerReferences}'), /^2\/$/);
    await kubectl.out('delete rs -l app=parent --cascade=orphan');
    await comes('get rs', /^No resources found/);
    assert.match(await kubectl.out('get pods -l app=parent -o name'), /^pod\/\S+\npod\/\S+\n$/);
    await kubectl.out('delete pods -l app=parent');
  });

  it('scales by labels, by condition and all, or says what it would', async () => {
    for (const name of ['s1', 's2']) await kubectl.out(`create -f ${kubectl.file('d.json', workload('Deployment', name, ['a:1'], { replicas: 1 }))}`);
    const replicas = (): Promise<string> => kubectl.out('get deploy -o jsonpath={.items[*].spec.replicas}');
    for (const how of ['client', 'server']) await kubectl.out(`scale deploy --all --replicas=3 --dry-run=${how}`);
    assert.equal(await replicas(), '1 1');
    await kubectl.out('scale deploy -l app=s1 --replicas=2');
    assert.equal(await replicas(), '2 1');
    await kubectl.failure('scale deploy/s1 --current-replicas=9 --replicas=3');
    await kubectl.out('scale deploy --all --replicas=0');
    await kubectl.out('autoscale deploy s1 --min=2 --max=3');
    assert.equal(await kubectl.out('get hpa s1 -o jsonpath={.spec.minReplicas}/{.spec.maxReplicas}/{.spec.metrics[0].resource.target.averageUtilization}/{.apiVersion}'), '2/3/80/autoscaling/v2');
    await kubectl.out('delete hpa/s1 deploy/s1 deploy/s2');
  });

  it('waits for what comes, goes and does not come', async () => {
    await kubectl.out('create deployment waited --image=busybox');
    assert.match(await kubectl.out('wait --for=jsonpath={.status.replicas} deploy/waited --timeout=10s'), /deployment\.apps\/waited condition met/);
    assert.match(await kubectl.failure('wait --for=jsonpath=.status.readyReplicas=1 deploy/waited --timeout=1s'), /timed out waiting for the condition/);
    const gone = kubectl.out('wait --for=delete deploy/waited --timeout=20s');
    await kubectl.out('delete deploy waited');
    await gone;
    await kubectl.out('create ns gone');
    await kubectl.out('create cm inside -n gone');
    await kubectl.out('delete ns gone --wait=false');
    await kubectl.out('wait --for=delete ns/gone --timeout=20s');
    assert.match(await kubectl.failure('get ns gone'), /not found/);
  });

  it('tells of schedules that never come', async () => {
    await kubectl.out('create cronjob pi --image=perl', { more: ['--schedule=59 23 31 2 *', '--', 'perl', '-e', 'print 3'] });
    await comes('events --for=CronJob/pi', /Warning +InvalidSchedule +CronJob\/pi +invalid schedule: 59 23 31 2 \* : time difference between two schedules is less than 1 second/);
    await comes('events --for=CronJob/pi --types=Normal', /No events found/);
    assert.equal(await kubectl.out('create job now --from=cronjob/pi --dry-run=server -o name'), 'job.batch/now\n');
    await kubectl.out('create job now --from=cronjob/pi');
    assert.equal(await kubectl.out('get job now -o jsonpath={.spec.template.spec.containers[0].command}'), '["perl","-e","print 3"]');
    await kubectl.out('delete job/now cronjob/pi');
  });

  it('drains, taints and cordons a node whose pods nobody runs', async () => {
    const onNode = (name: string, label: string): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { which: label, on: 'node' } }, spec: { nodeName: '127.0.0.1', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'a' }] } });
    for (const [name, label] of [['first', 'e'], ['second', 'f']] as const) await kubectl.out('create -f -', { input: onNode(name, label) });
    await kubectl.out('taint node 127.0.0.1 dedicated=foo:PreferNoSchedule');
    assert.match(await kubectl.out('get node 127.0.0.1 --show-managed-fields -o jsonpath={.spec.taints[?(@.key=="dedicated")].effect}/{.metadata.managedFields[*].manager}'), /^PreferNoSchedule\/.*kubectl-taint/);
    await kubectl.out('taint node 127.0.0.1 dedicated- --dry-run=server');
    await kubectl.out('taint node 127.0.0.1 dedicated-');
    await kubectl.out('label node 127.0.0.1 test=label');
    const { stderr, stdout } = await kubectl.run('drain --force --pod-selector on=node --selector test=label --chunk-size=1 --dry-run=client -v=6');
    for (const wanted of [/\/v1\/nodes\?labelSelector=test%3Dlabel&limit=1\b/, /\/v1\/pods\?fieldSelector=spec\.nodeName%3D127\.0\.0\.1&labelSelector=on%3Dnode&limit=1\b/, /\/v1\/pods\?continue=.*&fieldSelector=spec\.nodeName%3D127\.0\.0\.1&labelSelector=on%3Dnode&limit=1\b/, /evicting pod \S*first[^]*evicting pod \S*second/]) assert.match(stderr + stdout, wanted);
    assert.match(await kubectl.out('drain 127.0.0.1 --force --pod-selector which=e --skip-wait-for-delete-timeout=1'), /evicting pod default\/first/);
    assert.equal(await kubectl.out('get pod second -o jsonpath={.metadata.deletionTimestamp}'), '');
    assert.match(await kubectl.out('uncordon 127.0.0.1'), /uncordoned/);
    assert.match(await kubectl.out('cordon --selector test=label'), /node\/127\.0\.0\.1 cordoned/);
    await kubectl.out('uncordon 127.0.0.1');
    await kubectl.out('delete pods first second --force --ignore-not-found');
  });

  it('adds containers to look into pods, also where the namespace restricts them', async () => {
    await kubectl.out('run target --image=nginx');
    await kubectl.out('debug target -it --image=busybox --attach=false -c debugger');
    assert.equal(await kubectl.out('get pod target -o jsonpath={.spec.ephemeralContainers[*].name}'), 'debugger');
    await kubectl.out('debug target -it --copy-to=copy --image=busybox -c debugger --attach=false --replace');
    assert.equal(await kubectl.out('get pod copy -o jsonpath={.spec.containers[*].image}'), 'nginx busybox');
    await kubectl.failure('get pod target');
    await kubectl.out('delete pod copy --now');
    const { stdout, stderr } = await kubectl.run('debug node/127.0.0.1 --image=busybox --attach=false -- true');
    const nodeDebugger = /node-debugger-[\w.-]+/.exec(stdout + stderr)?.[0] ?? '';
    assert.equal(await kubectl.out(`get pod ${nodeDebugger} -o jsonpath={.spec.nodeName}/{.spec.hostPID}/{.spec.volumes[?(@.hostPath)].hostPath.path}`), '127.0.0.1/true//');
    await kubectl.out(`delete pod ${nodeDebugger} --force`);
    await kubectl.out('create ns tight');
    await kubectl.out('label ns tight pod-security.kubernetes.io/enforce=restricted');
    assert.match(await kubectl.failure('run loose --image=nginx -n tight'), /violates PodSecurity "restricted:latest"/);
    await kubectl.out('delete ns tight --timeout=20s');
  });

  it('approves requests, whose certificates the server believes', async () => {
    const [key, csr] = [kubectl.file('user.key', ''), kubectl.file('user.csr', '')];
    execFileSync('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', csr, '-subj', '/CN=somebody/O=group'], { stdio: 'ignore' });
    const request = kubectl.file('csr.json', {
      apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'somebody' },
      spec: { request: readFileSync(csr).toString('base64'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
    });
    for (const [deed, outcome] of [['deny', 'Denied'], ['approve', 'Approved']] as const) {
      await kubectl.out(`create -f ${request} --as=user1 --as-group=group2 --as-group=,,,chameleon --as-group=system:masters`);
      await kubectl.out(`certificate ${deed} -f ${request}`);
      assert.equal(await kubectl.out('get csr somebody -o jsonpath={.status.conditions[0].type}/{.spec.username}/{.spec.groups[1]}'), `${outcome}/user1/,,,chameleon`);
      if (deed === 'approve') await comes('get csr somebody -o jsonpath={.status.certificate}', /^LS0t/);
      await kubectl.out(`delete -f ${request}`);
    }
  });
});
