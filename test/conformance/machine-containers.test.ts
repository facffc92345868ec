/** What containers may do and what is told of their end: real containers on this machine. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { TokenReview } from '#api/authentication/token-review.ts';
import type { Workspace } from './cluster.ts';
import { isReady } from './cluster.ts';
import type { Container } from './real-node.ts';
import { machineTests, noContainers, startRealNode } from './real-node.ts';
import { shared } from '../support/shared.ts';

const skip = noContainers();
const node = shared(startRealNode, skip);

const onMachine = machineTests(node);

describe('conformance: last words of containers', { skip, concurrency: false }, () => {
  const lastWords = async (w: Workspace, script: string, container: Partial<Container>, phase: 'Succeeded' | 'Failed'): Promise<string> => {
    await w.client.create(Pod, node().pod(w, 'p', { script, container }));
    const pod = await node().until(w, 'p', ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed');
    assert.equal(pod.status.phase, phase);
    return pod.status.containerStatuses?.[0]?.state.terminated?.message ?? '';
  };
  const name = (what: string): string => `[sig-node] Container Runtime blackbox test on terminated container should report termination message ${what} [NodeConformance] [Conformance]`;
  const fallback = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'FallbackToLogsOnError' } as const;
  onMachine(name('if TerminationMessagePath is set as non-root user and at a non-default path'), async (w) =>
    assert.equal(await lastWords(w, 'printf DONE > /dev/termination-custom-log', { terminationMessagePath: '/dev/termination-custom-log', securityContext: { runAsUser: 1000 } }, 'Succeeded'), 'DONE'));
  onMachine(name('from log output if TerminationMessagePolicy FallbackToLogsOnError is set'), async (w) => assert.equal(await lastWords(w, 'printf DONE; exit 1', fallback, 'Failed'), 'DONE'));
  onMachine(name('as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set'), async (w) => assert.equal(await lastWords(w, 'printf DONE', fallback, 'Succeeded'), ''));
  onMachine(name('from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set'), async (w) => assert.equal(await lastWords(w, 'printf OK > /dev/termination-log; printf DONE', fallback, 'Succeeded'), 'OK'));
});

describe('conformance: security contexts', { skip, concurrency: false }, () => {
  onMachine('[sig-node] Security Context When creating a container with runAsUser should run the container with uid 65534 [LinuxOnly] [NodeConformance] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'id -u', container: { securityContext: { runAsUser: 65_534 } } }), '65534\n'));
  onMachine('[sig-node] Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'id -u; id -g', spec: { securityContext: { runAsUser: 1001, runAsGroup: 2002 } } }), '1001\n2002\n'));
  onMachine('[sig-node] Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'id -u; id -g', container: { securityContext: { runAsUser: 1001, runAsGroup: 2002 } }, spec: { securityContext: { runAsUser: 3003 } } }), '1001\n2002\n'));
  onMachine('[sig-node] Security Context When creating a pod with privileged should run the container as unprivileged when false [LinuxOnly] [NodeConformance] [Conformance]', async (w) =>
    assert.match(await node().outputOf(w, { script: 'mount -t tmpfs none /mnt 2>&1 || mount -t tmpfs none /tmp 2>&1 || echo refused', container: { securityContext: { privileged: false } } }), /refused\n$/));
  onMachine('[sig-node] Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false [NodeConformance] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'touch /checkfile && echo written', container: { securityContext: { readOnlyRootFilesystem: false } } }), 'written\n'));
  onMachine('[sig-node] Kubelet when scheduling a read only busybox container should not write to root filesystem [LinuxOnly] [NodeConformance] [Conformance]', async (w) =>
    assert.match(await node().outputOf(w, { script: 'echo test > /file || echo refused; sleep 0', container: { securityContext: { readOnlyRootFilesystem: true } } }), /^refused$/m));
  onMachine('[sig-node] Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false [LinuxOnly] [NodeConformance] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'grep NoNewPrivs /proc/self/status; id -u', container: { securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false } } }), 'NoNewPrivs:\t1\n1000\n'));
});

describe('conformance: paths in volumes from variables', { skip, concurrency: false }, () => {
  const volumes = [{ name: 'workdir', emptyDir: {} }];
  const env = [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
  const mounts = (subPathExpr: string): Container['volumeMounts'] => [{ name: 'workdir', mountPath: '/logscontainer', subPathExpr }, { name: 'workdir', mountPath: '/testcontainer' }];
  onMachine('[sig-node] Variable Expansion should allow substituting values in a volume subpath [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'test -d /testcontainer/p && echo there', container: { env, volumeMounts: mounts('$(POD_NAME)') }, spec: { volumes } }), 'there\n'));
  for (const [what, text] of [['backticks', '..'], ['absolute path', '/tmp']] as const) {
    onMachine(`[sig-node] Variable Expansion should fail substituting values in a volume subpath with ${what} [Conformance]`, async (w) => {
      await w.client.create(Pod, node().pod(w, 'p', { script: 'sleep 3600', container: { env: [{ name: 'POD_NAME', value: text === '..' ? '..' : '/tmp' }], volumeMounts: mounts('$(POD_NAME)') }, spec: { volumes } }));
      const pod = await node().until(w, 'p', ({ status }) => status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError');
      assert.equal(pod.status.phase, 'Pending');
    });
  }
  onMachine('[sig-node] Variable Expansion should succeed in writing subpaths in container [Conformance]', async (w) => {
    const annotated = [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.annotations[\'mysubpath\']' } } }];
    const made = node().pod(w, 'p', { script: 'sleep 3600', container: { env: annotated, volumeMounts: mounts('$(POD_NAME)') }, spec: { volumes } });
    await w.client.create(Pod, { ...made, metadata: { ...made.metadata, annotations: { mysubpath: 'mypath' } } });
    await node().until(w, 'p', isReady);
    await node().exec(w, 'p', 'touch /logscontainer/test.log');
    assert.equal(await node().exec(w, 'p', 'test -f /testcontainer/mypath/test.log && echo there'), 'there\n');
    // What the path is made of may change: the container keeps its mount, and can be cleaned up.
    await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { metadata: { annotations: { mysubpath: 'newsubpath' } } } });
    await w.client.delete(Pod, w.key('p'), { gracePeriodSeconds: 0 });
    await w.untilGone(Pod, 'p');
  });
  onMachine('[sig-node] Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container [Slow] [Conformance]', async (w) => {
    const annotated = [{ name: 'ANNOTATION', valueFrom: { fieldRef: { fieldPath: 'metadata.annotations[\'mysubpath\']' } } }];
    const made = node().pod(w, 'p', { script: 'sleep 3600', container: { env: annotated, volumeMounts: mounts('$(ANNOTATION)') }, spec: { volumes } });
    await w.client.create(Pod, { ...made, metadata: { ...made.metadata, annotations: { mysubpath: '../escape' } } });
    await node().until(w, 'p', ({ status }) => status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError');
    await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { metadata: { annotations: { mysubpath: 'mypath' } } } });
    await node().until(w, 'p', isReady);
  });
});

describe('conformance: what a pod brings along', { skip, concurrency: false }, () => {
  onMachine('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should support sysctls [Environment:NotInUserNS] [Conformance]', async (w) =>
    assert.equal(await node().outputOf(w, { script: 'cat /proc/sys/kernel/shm_rmid_forced', spec: { securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] } } }), '1\n'));
  onMachine('[sig-network] DNS should support configurable pod DNS nameservers [Conformance]', async (w) => {
    const text = await node().outputOf(w, { script: 'cat /etc/resolv.conf', spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['resolv.conf.local'] } } });
    assert.deepEqual(text.split('\n').filter((line) => line !== '').sort(), ['nameserver 1.1.1.1', 'search resolv.conf.local']);
  });
  onMachine('[sig-node] Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [NodeConformance] [Conformance]', async (w) => {
    const text = await node().outputOf(w, { script: 'cat /etc/hosts', spec: { hostAliases: [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }] } });
    assert.match(text, /^# Entries added by HostAliases\.\n123\.45\.67\.89\tfoo\tbar$/m);
  });
});

describe('conformance: service accounts in containers', { skip, concurrency: false }, () => {
  const place = '/var/run/secrets/kubernetes.io/serviceaccount';
  const review = async (w: Workspace, token: string): Promise<TokenReview['status']> => (await w.client.create(TokenReview, { spec: { token } })).status;
  onMachine('[sig-auth] ServiceAccounts should mount an API token into pods [Conformance]', async (w) => {
    await w.client.create(ServiceAccount, { metadata: w.key('mount-test') });
    const [token = '', namespace, certificate] = (await node().outputOf(w, { script: `cat ${place}/token; echo; cat ${place}/namespace; echo; head -n 1 ${place}/ca.crt`, spec: { serviceAccountName: 'mount-test', automountServiceAccountToken: true } })).split('\n');
    const { user, error } = await review(w, token);
    assert.deepEqual([user?.username, error ?? ''], [`system:serviceaccount:${w.namespace}:mount-test`, '']);
    assert.deepEqual(user?.groups?.toSorted(), ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${w.namespace}`]);
    const { metadata: { uid }, spec: { nodeName = '' } } = await w.client.get(Pod, w.key('p'));
    const { 'credential-id': credential, ...bound } = Object.fromEntries(Object.entries(user?.extra ?? {}).map(([key, values]) => [key.replace('authentication.kubernetes.io/', ''), values]));
    assert.match(credential?.join() ?? '', /^JTI=[^,]+$/);
    assert.deepEqual(bound, { 'pod-name': ['p'], 'pod-uid': [uid], 'node-name': [nodeName], 'node-uid': [(await w.client.get(Node, { name: nodeName })).metadata.uid] });
    assert.deepEqual([namespace, certificate], [w.namespace, '-----BEGIN CERTIFICATE-----']);
  });
  onMachine('[sig-auth] ServiceAccounts should mount projected service account token [Conformance]', async (w) => {
    const volumes = [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] } }];
    const token = await node().outputOf(w, { script: 'cat /token/token', container: { volumeMounts: [{ name: 'token', mountPath: '/token' }] }, spec: { volumes } });
    assert.equal((await review(w, token)).user?.username, `system:serviceaccount:${w.namespace}:default`);
  });
});
