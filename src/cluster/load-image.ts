import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { importImage } from '#kubelet/runtime/image-import.ts';
import type { ClusterLayout, NodeLayout } from './layout.ts';
import { knownNodeLayouts } from './layout.ts';

/** Loads an image archive into the containerd of every node; answers the images' names. Throws when there is none. */
export async function loadImage(layout: ClusterLayout, file: string): Promise<readonly string[]> {
  if (!existsSync(file)) throw new Error(`${file}: there is no such file`);
  const nodes = (await knownNodeLayouts(layout)).filter(hasContainerd);
  if (nodes.length === 0) throw new Error(`the cluster "${layout.name}" has no containerd of its own: simulated pods need no images, and a runtime given with --container-runtime-endpoint is loaded by its own tools`);
  const names = await Promise.all(nodes.map((node) => importImage(file, socketOf(node), { clock: systemClock })));
  return names[0] ?? [];
}

/** Whether a containerd of the node's own is there to be loaded. */
export function hasContainerd(layout: NodeLayout): boolean {
  return existsSync(socketOf(layout));
}

function socketOf(layout: NodeLayout): string {
  return join(layout.containerdRunDir, 'containerd.sock');
}
