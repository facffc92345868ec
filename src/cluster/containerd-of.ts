import { pauseImage } from '#kubelet/images/bundled-images.ts';
import type { ContainerdOptions } from '#kubelet/runtime/containerd.ts';
import type { ClusterLayout } from './layout.ts';

/** How the cluster's own containerd is laid out. */
export function containerdOf(layout: ClusterLayout): ContainerdOptions {
  return {
    rootDir: layout.containerdRootDir,
    runDir: layout.containerdRunDir,
    cniConfDir: layout.cniConfDir,
    sandboxImage: pauseImage,
  };
}
