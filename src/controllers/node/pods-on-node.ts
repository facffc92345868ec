import { Pod } from '#api/core/pod.ts';
import type { SharedInformers } from '#client/informer.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';

const byNode = 'spec.nodeName';

/** Prepares `podsOnNode`. */
export function indexPodsByNode(informers: SharedInformers): void {
  informers.for(Pod).addIndex(byNode, ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]));
}

/** The pods bound to the node. */
export function podsOnNode(lister: ControllerLister, nodeName: string): readonly Pod[] {
  return lister.byIndex(Pod, byNode, nodeName);
}
