/** Builds the images that come with Skiff: `node tools/images/build.ts [directory]`; prints name and file of each. */
import { buildBundledImages } from '#kubelet/images/bundled-images.ts';

for (const image of await buildBundledImages(process.argv[2] ?? 'images')) console.log(`${image.name}\t${image.file}`);
