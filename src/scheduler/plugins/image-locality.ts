/**
 * Rather places pods where their images, those of volumes included, are already, unless few nodes have them (all pods would
 * crowd there). Source: behaviour of the v1.36 scheduler, with kubernetes#138951: images of volumes raise the upper bound too.
 */
import type { SchedulerPlugin } from '../framework.ts';
import { maxPoints } from '../framework.ts';

const megabyte = 1024 * 1024;
/** Less is pulled in no time; more per image makes no further difference. */
const minBytes = 23 * megabyte;
const maxBytesPerImage = 1000 * megabyte;

export const imageLocality: SchedulerPlugin = {
  name: 'ImageLocality',
  score({ pod: { spec } }, snapshot) {
    const named = [...[...spec.containers, ...(spec.initContainers ?? [])].map(({ image }) => image ?? ''), ...(spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? [])];
    const images = named.map(normalizedName).filter((image) => snapshot.nodesWithImage(image) > 0);
    if (images.length === 0) return undefined;
    const shares = images.map((image) => snapshot.nodesWithImage(image) / snapshot.nodes.length);
    const maxBytes = maxBytesPerImage * named.length;
    return {
      score(node) {
        let bytes = 0;
        for (const [index, image] of images.entries()) bytes += Math.floor((node.images.get(image) ?? 0) * (shares[index] ?? 0));
        return Math.floor((maxPoints * (Math.min(Math.max(bytes, minBytes), maxBytes) - minBytes)) / (maxBytes - minBytes));
      },
    };
  },
  wakesOn: {},
};

/** As nodes report images: with a tag. */
function normalizedName(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
