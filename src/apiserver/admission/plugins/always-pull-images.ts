import type { Container } from '#api/core/container.ts';
import { Pod } from '#api/core/pod.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { describeFieldError, notSupported } from '#apimachinery/field-error.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * Images are pulled at every start, so that nobody uses a private image that somebody else brought to the node.
 * Source: Kubernetes documentation, "AlwaysPullImages".
 */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  mutate(request) {
    if (!writes(request, Pod) || !bringsImages(request)) return;
    const { spec } = request.object;
    for (const [, container] of containersOf(spec)) container.imagePullPolicy = 'Always';
    for (const { image } of (spec.volumes ?? []) as Draft<{ image?: { pullPolicy?: string } }>[]) if (image !== undefined) image.pullPolicy = 'Always';
  },
  validate(request) {
    if (!writes(request, Pod) || !bringsImages(request)) return;
    for (const [path, { imagePullPolicy }] of containersOf(request.object.spec)) {
      if (imagePullPolicy !== 'Always') throw forbidden(Pod, request.object.metadata.name ?? '', describeFieldError(notSupported(`${path}.imagePullPolicy`, imagePullPolicy ?? '', ['Always'])));
    }
  },
};

/** An update that leaves the images as they are changes nothing of what is pulled. */
function bringsImages({ old, object }: AdmissionRequest): boolean {
  if (old === undefined) return true;
  const images = (pod: Pod): ReadonlySet<string> => new Set(containersOf(pod.spec as Draft<Pod>['spec']).map(([, { image }]) => image ?? ''));
  const before = images(old as Pod);
  return [...images(object as unknown as Pod)].some((image) => !before.has(image));
}

function containersOf(spec: Draft<Pod>['spec']): readonly (readonly [path: string, container: Draft<Pick<Container, 'image' | 'imagePullPolicy'>>])[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((field) => (spec[field] ?? []).map((container, index) => [`spec.${field}[${index}]`, container] as const));
}
