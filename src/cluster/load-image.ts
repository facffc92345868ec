import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { importImage } from '#kubelet/runtime/image-import.ts';
import type { ClusterLayout } from './layout.ts';

/** Loads an image archive into the node's own containerd; answers the images' names. Throws when there is none. */
export async function loadImage(layout: ClusterLayout, file: string): Promise<readonly string[]> {
  if (!existsSync(file)) throw new Error(`${file}: there is no such file`);
  const socket = socketOf(layout);
  if (!hasContainerd(layout)) throw new Error(`the cluster "${layout.name}" has no containerd of its own: simulated pods need no images, and a runtime given with --container-runtime-endpoint is loaded by its own tools`);
  return importImage(file, socket, { clock: systemClock });
}

/** Whether a containerd of the cluster's own is there to be loaded. */
export function hasContainerd(layout: ClusterLayout): boolean {
  return existsSync(socketOf(layout));
}

function socketOf(layout: ClusterLayout): string {
  return join(layout.containerdRunDir, 'containerd.sock');
}
