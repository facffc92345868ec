import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundledImages, demoImages, pauseImage } from '#kubelet/images/bundled-images.ts';
import type { BundledImage } from '#kubelet/images/bundled-images.ts';
import type { ClusterLayout } from './layout.ts';
import { hasContainerd, loadImage } from './load-image.ts';

/** The images that come with Skiff, built at the first need. */
export async function bundledImages(layout: ClusterLayout): Promise<readonly BundledImage[]> {
  const known = [pauseImage, ...demoImages].map((name) => ({ name, file: join(layout.imagesDir, `${name.replace(/[/:]/g, '_')}.tar`) }));
  return known.every(({ file }) => existsSync(file)) ? known : buildBundledImages(layout.imagesDir);
}

/** Loads what the demo runs; answers the names, or undefined where the cluster has no containerd of its own. */
export async function loadDemoImages(layout: ClusterLayout): Promise<readonly string[] | undefined> {
  if (!hasContainerd(layout)) return undefined;
  const names: string[] = [];
  for (const image of await bundledImages(layout)) {
    if (image.name !== pauseImage) names.push(...(await loadImage(layout, image.file)));
  }
  return names;
}
