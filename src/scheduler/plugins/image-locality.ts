/** Rather places pods where their images are already, unless few nodes have them (all pods would crowd there). */
import type { SchedulerPlugin } from '../framework.ts';
import { maxPoints } from '../framework.ts';

const megabyte = 1024 * 1024;
/** Less is pulled in no time; more per container makes no further difference. */
const minBytes = 23 * megabyte;
const maxBytesPerContainer = 1000 * megabyte;

export const imageLocality: SchedulerPlugin = {
  name: 'ImageLocality',
  score({ pod: { spec } }, snapshot) {
    const containers = [...spec.containers, ...(spec.initContainers ?? [])];
    const images = containers.map((container) => normalizedName(container.image ?? '')).filter((image) => snapshot.nodesWithImage(image) > 0);
    if (images.length === 0) return undefined;
    const shares = images.map((image) => snapshot.nodesWithImage(image) / snapshot.nodes.length);
    const maxBytes = maxBytesPerContainer * containers.length;
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
