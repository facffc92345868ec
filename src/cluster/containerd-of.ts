import { pauseImage } from '#kubelet/images/bundled-images.ts';
import type { ContainerdOptions } from '#kubelet/runtime/containerd.ts';
import type { NodeLayout } from './layout.ts';

/** Where containerd's own documentation has it: what a machine's administrator says of mirrors and their certificates counts for us. */
const registryConfigDir = '/etc/containerd/certs.d';

/** How a node's own containerd is laid out. */
export function containerdOf(layout: NodeLayout): ContainerdOptions {
  return {
    rootDir: layout.containerdRootDir,
    runDir: layout.containerdRunDir,
    cniConfDir: layout.cniConfDir,
    sandboxImage: pauseImage,
    registryConfigDir,
  };
}
