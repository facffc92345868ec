import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Kubeconfig } from '#client/kubeconfig.ts';
import { emptyKubeconfig, loadKubeconfig, writeKubeconfig } from '#client/kubeconfig.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ClusterCertificates } from './certificates.ts';
import type { ClusterLayout } from './layout.ts';

/** Whose kubeconfigs lie in the state directory, by file name. */
const owners = ['admin', 'scheduler', 'controller-manager', 'kubelet', 'proxy'];

/** A kubeconfig with everything in it, so that it can be copied to another machine. */
export function kubeconfigFor(options: { readonly clusterName: string; readonly userName: string; readonly server: string; readonly caPem: string; readonly pair: PemPair }): Kubeconfig {
  const { clusterName, userName, server, caPem, pair } = options;
  const name = clusterName === 'default' ? 'skiff' : `skiff-${clusterName}`;
  const user = userName === 'admin' ? `${name}-admin` : userName;
  return {
    ...emptyKubeconfig(),
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(pair.certificatePem), 'client-key-data': base64(pair.privateKeyPem) } }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  };
}

/** Writes the kubeconfigs of the administrator and of every component. */
export async function writeKubeconfigs(layout: Pick<ClusterLayout, 'name' | 'stateDir'>, certificates: ClusterCertificates, server: string): Promise<void> {
  await Promise.all(owners.map((owner) => {
    const pair = certificates.pairs[owner];
    if (pair === undefined) throw new Error(`there is no certificate for ${owner}`);
    const config = kubeconfigFor({ clusterName: layout.name, userName: owner, server, caPem: certificates.ca.certificatePem, pair });
    return writeKubeconfig(join(layout.stateDir, `${owner}.kubeconfig`), config);
  }));
}

/** Puts the cluster into a kubeconfig of the user's, beside what is there, and makes it the current one. */
export async function mergeKubeconfig(file: string, admin: Kubeconfig): Promise<void> {
  const known = existsSync(file) ? loadKubeconfig({ file }) : emptyKubeconfig();
  const without = <T extends { readonly name: string }>(entries: readonly T[], ours: readonly T[]): T[] => [
    ...entries.filter(({ name }) => !ours.some((each) => each.name === name)), ...ours,
  ];
  await writeKubeconfig(file, {
    ...known,
    clusters: without(known.clusters, admin.clusters),
    users: without(known.users, admin.users),
    contexts: without(known.contexts, admin.contexts),
    'current-context': admin['current-context'],
  });
}

/** Takes the cluster out of a kubeconfig again. Does nothing when the file or the cluster is not there. */
export async function unmergeKubeconfig(file: string, clusterName: string): Promise<void> {
  if (!existsSync(file)) return;
  const known = loadKubeconfig({ file });
  const name = clusterName === 'default' ? 'skiff' : `skiff-${clusterName}`;
  const without = <T extends { readonly name: string }>(entries: readonly T[], gone: string): T[] => entries.filter((each) => each.name !== gone);
  await writeKubeconfig(file, {
    ...known,
    clusters: without(known.clusters, name),
    users: without(known.users, `${name}-admin`),
    contexts: without(known.contexts, name),
    'current-context': known['current-context'] === name ? '' : known['current-context'],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
