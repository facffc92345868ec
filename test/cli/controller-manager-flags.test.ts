/** `skiff controller-manager` by its flags: those that installers and test harnesses pass are taken, others are not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { skiff } from './skiff.ts';

describe('the flags of components', { timeout: 60_000 }, () => {
  it('print the version alone, and end', async () => {
    for (const component of ['apiserver', 'controller-manager', 'scheduler']) {
      const { code, stdout } = await skiff([component, '--version']);
      assert.deepEqual([code, /^Kubernetes v1\.36\.0\S*\n$/.test(stdout)], [0, true], `${component}: ${stdout}`);
    }
  });

  it('take another version only of the same release', async () => {
    const { code, stderr } = await skiff(['apiserver', '--version=v1.30.0-custom']);
    assert.notEqual(code, 0);
    assert.match(stderr, /version "v1\.30\.0-custom" must match major\/minor\/patch of default version "v1\.36\.0/);
  });

  it('of the controller manager are those of the original, also where they change nothing', async () => {
    // What is wrong is told last, so everything before it was taken.
    const { code, stderr } = await skiff([
      'controller-manager', '--kube-api-content-type=', '--allocate-node-cidrs=true', '--authentication-kubeconfig=/etc/x', '--authorization-kubeconfig=/etc/x', '--bind-address=127.0.0.1',
      '--client-ca-file=/etc/x', '--cluster-cidr=10.0.0.0/16', '--cluster-name=kubernetes', '--kubeconfig=/nowhere/kubeconfig', '--leader-elect=true', '--requestheader-client-ca-file=/etc/x',
      '--root-ca-file=', '--service-account-private-key-file=/etc/x', '--service-cluster-ip-range=10.96.0.0/12', '--use-service-account-credentials=true', '--concurrent-deployment-syncs=10',
      '--feature-gates=', '--cluster-signing-cert-file=/nowhere/ca.crt',
    ]);
    assert.notEqual(code, 0);
    assert.match(stderr, /--cluster-signing-cert-file and --cluster-signing-key-file are given together/);
  });

  it('that are none are refused', async () => {
    const { code, stderr } = await skiff(['controller-manager', '--concurrent-deployment-sync=10']);
    assert.notEqual(code, 0);
    assert.match(stderr, /unknown option '--concurrent-deployment-sync=10'/);
  });
});
