import { mergeKubeconfig } from '#cluster/kubeconfigs.ts';
import type { ClusterLayout } from '#cluster/layout.ts';
import { loadKubeconfig } from '#client/kubeconfig.ts';

/** `--kubeconfig FILE`: puts the cluster in beside what is there. */
export async function joinKubeconfig(file: string, layout: ClusterLayout): Promise<void> {
  await mergeKubeconfig(file, loadKubeconfig({ file: layout.adminKubeconfig }));
}
