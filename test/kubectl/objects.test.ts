import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApiServer } from '../support/api-server.ts';
import { shared } from '../support/shared.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

const manifest = (replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.0
        ports: [{containerPort: 80, name: http}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: "1", b: "two"}
`;

describe('the real kubectl', { skip: kubectlMissing, concurrency: false }, () => {
  const api = shared(() => startApiServer());
  const kubectl = shared(() => new Kubectl(api().kubeconfig));
  const replicas = (): Promise<string> => kubectl().out('get deploy web -o jsonpath={.spec.replicas}');

  it('applies a manifest, and the same one again changes nothing', async () => {
    const file = kubectl().file('web.yaml', manifest(3));
    assert.equal(await kubectl().out(`apply -f ${file}`), 'deployment.apps/web created\nservice/web created\nconfigmap/conf created\n');
    assert.equal(await kubectl().out(`apply -f ${file}`), 'deployment.apps/web unchanged\nservice/web unchanged\nconfigmap/conf unchanged\n');
    assert.equal(await kubectl().out(`apply -f ${kubectl().file('web4.yaml', manifest(4))}`), 'deployment.apps/web configured\nservice/web unchanged\nconfigmap/conf unchanged\n');
    assert.equal(await replicas(), '4');
    await kubectl().out(`apply -f ${file}`);
  });

  it('shows tables, wide ones too', async () => {
    assert.match(await kubectl().out('get deploy'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3 +0 +0 +\d+s\n$/);
    assert.match(await kubectl().out('get deploy web -o wide'), /CONTAINERS +IMAGES +SELECTOR\nweb .* web +nginx:1\.0 +app=web\n$/);
    assert.match(await kubectl().out('get svc web'), /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}\/TCP +\d+s\n$/);
    assert.match(await kubectl().out('get all'), /service\/web .*\n\nNAME .*\ndeployment\.apps\/web /);
    assert.match(await kubectl().out('get cm -A --no-headers'), /^default +conf +2 +\d+s$/m);
  });

  it('prints objects as YAML, JSON, by path and in columns of one\'s own', async () => {
    assert.match(await kubectl().out('get cm conf -o yaml'), /^apiVersion: v1\ndata:\n {2}a: "1"\n {2}b: two\nkind: ConfigMap\n/);
    assert.equal((JSON.parse(await kubectl().out('get deploy web -o json')) as { spec: { progressDeadlineSeconds: number } }).spec.progressDeadlineSeconds, 600);
    assert.equal(await kubectl().out('get deploy web -o jsonpath={.spec.template.spec.containers[*].image}'), 'nginx:1.0');
    assert.equal(await kubectl().out('get deploy -o custom-columns=NAME:.metadata.name,REPLICAS:.spec.replicas'), 'NAME   REPLICAS\nweb    3\n');
  });

  it('selects by labels and fields', async () => {
    assert.equal(await kubectl().out('get deploy -l app=web -o name'), 'deployment.apps/web\n');
    assert.equal(await kubectl().out('get deploy -l app!=web -o name'), '');
    assert.equal(await kubectl().out('get cm -A --field-selector metadata.name=conf -o name'), 'configmap/conf\n');
    assert.equal(await kubectl().out('get svc --field-selector spec.type=NodePort -o name'), 'service/web\n');
  });

  it('follows changes with -w', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const line of kubectl().lines('get cm -w -o name', stop.signal)) {
      seen.push(line);
      if (seen.length === 1) await kubectl().out('create cm later --from-literal=x=y');
      if (seen.includes('configmap/later')) break;
    }
    stop.abort();
    assert.deepEqual(seen, ['configmap/conf', 'configmap/later']);
  });

  it('describes', async () => {
    assert.match(await kubectl().out('describe deploy web'), /Replicas: +3 desired \| 0 updated \| 0 total \| 0 available \| 0 unavailable\nStrategyType: +RollingUpdate\n/);
    assert.match(await kubectl().out('describe svc web'), /IP Families: +IPv4\nIP: +10\.96\./);
    assert.match(await kubectl().out('describe cm conf'), /a:\n----\n1\n/);
    assert.match(await kubectl().out('describe clusterrole view'), /configmaps +\[\] +\[\] +\[get list watch\]/);
  });

  it('scales, sets images, labels and annotates', async () => {
    assert.equal(await kubectl().out('scale deploy web --replicas=5'), 'deployment.apps/web scaled\n');
    assert.match(await kubectl().failure('scale deploy web --replicas=9 --current-replicas=2'), /Expected replicas to be 2, was 5/);
    assert.equal(await kubectl().out('set image deploy/web web=nginx:2.0'), 'deployment.apps/web image updated\n');
    assert.equal(await kubectl().out('label deploy web tier=front'), 'deployment.apps/web labeled\n');
    assert.match(await kubectl().failure('label deploy web tier=back'), /already has a value/);
    assert.equal(await kubectl().out('label deploy web tier-'), 'deployment.apps/web unlabeled\n');
    assert.equal(await kubectl().out('annotate deploy web note=x'), 'deployment.apps/web annotated\n');
    assert.equal(await kubectl().out('get deploy web -o jsonpath={.spec.replicas}/{.spec.template.spec.containers[0].image}/{.metadata.annotations.note}'), '5/nginx:2.0/x');
  });

  it('patches in three ways', async () => {
    await kubectl().out('patch deploy web -p', { more: ['{"spec":{"template":{"spec":{"containers":[{"name":"web","imagePullPolicy":"Always"}]}}}}'] });
    assert.equal(await kubectl().out('get deploy web -o jsonpath={.spec.template.spec.containers[*].image}/{.spec.template.spec.containers[*].imagePullPolicy}'), 'nginx:2.0/Always');
    await kubectl().out('patch deploy web --type merge -p', { more: ['{"spec":{"replicas":2}}'] });
    await kubectl().out('patch deploy web --type json -p', { more: ['[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":1}]'] });
    assert.equal(await replicas(), '1');
    await kubectl().failure('patch deploy web --type json -p', { more: ['[{"op":"test","path":"/spec/replicas","value":9}]'] });
    assert.match(await kubectl().out('patch deploy web --subresource status --type merge -p', { more: ['{"status":{"observedGeneration":7}}'] }), /patched/);
  });

  it('edits', async () => {
    const editor = kubectl().file('edit.sh', '#!/bin/sh\nsed -i "s/replicas: 1/replicas: 6/" "$1"\n');
    assert.equal(await kubectl().out('edit deploy web', { environment: { EDITOR: editor } }), 'deployment.apps/web edited\n');
    assert.equal(await replicas(), '6');
  });

  it('applies on the server, refuses what others own, and takes it when told to', async () => {
    const file = kubectl().file('web.yaml', manifest(3));
    assert.match(await kubectl().failure(`apply --server-side -f ${file}`), /conflicts with "kubectl-edit" using apps\/v1:\n- \.spec\.replicas/);
    assert.match(await kubectl().out(`apply --server-side --force-conflicts --dry-run=server -f ${file}`), /^deployment\.apps\/web serverside-applied \(server dry run\)\n/);
    assert.equal(await replicas(), '6');
    assert.match(await kubectl().out(`apply --server-side --force-conflicts -f ${file}`), /^deployment\.apps\/web serverside-applied\n/);
    assert.equal(await replicas(), '3');
  });

  it('shows differences to what is there', async () => {
    assert.equal(await kubectl().out(`diff -f ${kubectl().file('web.yaml', manifest(3))}`), '');
    const { code, stdout } = await kubectl().run(`diff -f ${kubectl().file('web7.yaml', manifest(7))}`);
    assert.equal(code, 1);
    assert.match(stdout, /\n- {2}replicas: 3\n\+ {2}replicas: 7\n/);
  });

  it('knows the resources and explains their fields', async () => {
    const resources = await kubectl().out('api-resources');
    assert.match(resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m);
    assert.match(resources, /^customresourcedefinitions +crd,crds +apiextensions\.k8s\.io\/v1 +false +CustomResourceDefinition$/m);
    assert.match(await kubectl().out('api-resources --namespaced=false -o name'), /^nodes$/m);
    assert.match(await kubectl().out('api-versions'), /^apps\/v1$/m);
    assert.match(await kubectl().out('explain deployment.spec.strategy'), /KIND: +Deployment\nVERSION: +v1\n\nFIELD: strategy <DeploymentStrategy>[^]*rollingUpdate\t<RollingUpdateDeployment>/);
    assert.match(await kubectl().out('explain pod.spec.containers --recursive'), /image\t<string>/);
  });

  it('runs, exposes, creates', async () => {
    assert.equal(await kubectl().out('run one --image=busybox --dry-run=server'), 'pod/one created (server dry run)\n');
    assert.match(await kubectl().out('run one --image=busybox --dry-run=client -o yaml'), /kind: Pod/);
    assert.equal(await kubectl().out('run one --image=busybox --restart=Never -- sleep 100'), 'pod/one created\n');
    assert.match(await kubectl().out('get pods -o wide'), /\none +0\/1 +Pending +0 +\d+s +<none> +<none> +<none> +<none>\n$/);
    assert.equal(await kubectl().out('expose deploy web --name web2 --port 8080'), 'service/web2 exposed\n');
    for (const [what, said] of [
      ['ns team', 'namespace/team'], ['cm x --from-literal=a=b -n team', 'configmap/x'], ['secret generic s --from-literal=a=b -n team', 'secret/s'],
      ['sa robot -n team', 'serviceaccount/robot'], ['deployment d --image=nginx -n team', 'deployment.apps/d'], ['job j --image=busybox -n team', 'job.batch/j'],
      ['quota q --hard=pods=5 -n team', 'resourcequota/q'], ['ingress i --rule=foo.com/bar=svc1:8080 -n team', 'ingress.networking.k8s.io/i'],
      ['pdb p --selector=app=x --min-available=1 -n team', 'poddisruptionbudget.policy/p'], ['priorityclass low --value=10', 'priorityclass.scheduling.k8s.io/low'],
      ['role reader --verb=get,list --resource=pods -n team', 'role.rbac.authorization.k8s.io/reader'],
      ['rolebinding rb --role=reader --serviceaccount=team:robot -n team', 'rolebinding.rbac.authorization.k8s.io/rb'],
    ] as const) assert.equal(await kubectl().out(`create ${what}`), `${said} created\n`);
    assert.equal(await kubectl().out('create cronjob cj --image=busybox -n team', { more: ['--schedule=*/5 * * * *'] }), 'cronjob.batch/cj created\n');
    assert.match(await kubectl().out('autoscale deploy web --min 1 --max 3'), /autoscaled/);
    assert.match(await kubectl().out('get hpa web'), /cpu: <unknown>\/80% +1 +3 +0/);
  });

  it('says who one is and what one may do', async () => {
    assert.match(await kubectl().out('auth whoami'), /Username +admin\nGroups +\[system:masters system:authenticated\]/);
    assert.equal(await kubectl().out('auth can-i delete nodes'), 'yes\n');
    assert.equal(await kubectl().out('auth can-i list pods -n team --as system:serviceaccount:team:robot'), 'yes\n');
    assert.equal((await kubectl().run('auth can-i list secrets -n team --as system:serviceaccount:team:robot')).stdout, 'no\n');
    assert.match(await kubectl().out('auth can-i --list -n team --as system:serviceaccount:team:robot'), /^pods +\[\] +\[\] +\[get list\]$/m);
    const token = await kubectl().out('create token robot -n team --duration 20m');
    assert.match(await kubectl().out(`--token ${token.trim()} auth whoami`, { environment: { KUBECONFIG: withoutCertificate() } }), /Username +system:serviceaccount:team:robot/);
  });

  it('reads its configuration', async () => {
    assert.equal(await kubectl().out('config current-context'), 'test\n');
    assert.match(await kubectl().out('version'), /Server Version: v1\.36\./);
    assert.match(await kubectl().out('cluster-info'), /control plane.* is running at/);
    assert.equal(await kubectl().out('get --raw /readyz'), 'ok');
  });

  it('cordons, taints and drains nodes', async () => {
    await kubectl().out('create -f -', { input: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } });
    assert.equal(await kubectl().out('cordon n1'), 'node/n1 cordoned\n');
    assert.match(await kubectl().out('get node n1'), /SchedulingDisabled/);
    assert.equal(await kubectl().out('uncordon n1'), 'node/n1 uncordoned\n');
    assert.equal(await kubectl().out('taint nodes n1 k=v:NoSchedule'), 'node/n1 tainted\n');
    assert.match(await kubectl().out('describe node n1'), /Taints: .*k=v:NoSchedule/);
    assert.equal(await kubectl().out('taint nodes n1 k-'), 'node/n1 untainted\n');
    assert.match(await kubectl().out('drain n1'), /node\/n1 drained/);
  });

  it('waits', async () => {
    assert.equal(await kubectl().out('wait --for=jsonpath={.spec.replicas}=3 deploy/web --timeout=10s'), 'deployment.apps/web condition met\n');
    assert.match(await kubectl().failure('wait --for=condition=Available deploy/web --timeout=100ms'), /timed out waiting for the condition/);
    const waiting = kubectl().out('wait --for=delete cm/later --timeout=20s');
    await kubectl().out('delete cm later');
    await waiting;
  });

  it('replaces and deletes', async () => {
    const file = kubectl().file('conf.yaml', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf' }, data: { only: 'this' } });
    assert.equal(await kubectl().out(`replace -f ${file}`), 'configmap/conf replaced\n');
    assert.match(await kubectl().out(`replace --force -f ${file}`), /configmap\/conf replaced\n/);
    assert.match(await kubectl().out('delete pod one --now'), /^pod "one" deleted/);
    assert.match(await kubectl().out(`delete -f ${kubectl().file('web.yaml', manifest(3))}`), /^deployment\.apps "web" deleted.*\nservice "web" deleted.*\nconfigmap "conf" deleted/);
    assert.match(await kubectl().out('delete cm --all -n team'), /configmap "x" deleted/);
    assert.match(await kubectl().out('delete ns team --wait=false'), /namespace "team" deleted/);
    assert.match(await kubectl().out('get ns team'), /team +Terminating/);
  });

  it('shows errors in the server\'s words', async () => {
    assert.equal(await kubectl().failure('get pods nope'), 'Error from server (NotFound): pods "nope" not found\n');
    assert.equal(await kubectl().failure('get boats'), 'error: the server doesn\'t have a resource type "boats"\n');
    assert.match(await kubectl().failure('create ns default'), /^Error from server \(AlreadyExists\): namespaces "default" already exists\n$/);
    assert.match(await kubectl().failure('create deployment Bad --image=x'), /metadata\.name: Invalid value: "Bad"/);
    assert.match(await kubectl().failure('delete ns kube-system'), /namespaces "kube-system" is forbidden: this namespace may not be deleted/);
    const typo = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 't' }, datta: {} };
    assert.match(await kubectl().failure('apply -f -', { input: typo }), /strict decoding error: unknown field "datta"/);
    assert.equal(await kubectl().failure('get pods --as anna'), 'Error from server (Forbidden): pods is forbidden: User "anna" cannot list resource "pods" in API group "" in the namespace "default"\n');
    assert.match(await kubectl().failure('logs nope'), /pods "nope" not found/);
  });

  /** A certificate would come before a token. */
  function withoutCertificate(): string {
    const config = JSON.parse(api().kubeconfig) as { users: { user: object }[] };
    config.users = [{ ...config.users[0], user: {} }];
    return kubectl().file('token-only', config);
  }
});
