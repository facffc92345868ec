import { featuresToChange, undeclared } from '#api/core/declared-features.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';

/**
 * A bound pod is not changed in a way that its node's kubelet has not declared it can follow.
 * Source: KEP-5328 (on by default since v1.36); wording as the API server's.
 */
export const nodeDeclaredFeatureValidator: AdmissionPlugin = {
  name: 'NodeDeclaredFeatureValidator',
  validate({ kind, name, object, old, operation, subresource }, { objects }) {
    if (operation !== 'UPDATE' || (subresource !== '' && subresource !== 'resize') || (kind as unknown) !== Pod || object === undefined || old === undefined) return;
    if (object.metadata.generation === old.metadata.generation) return;
    const { spec } = object as Pod;
    const nodeName = spec.nodeName ?? '';
    const features = nodeName === '' ? [] : featuresToChange((old as Pod).spec, spec);
    if (features.length === 0) return;
    const node = objects.get(Node, nodeName);
    if (node === undefined) throw forbidden(Pod, name, `node ${JSON.stringify(nodeName)} not found`);
    const missing = undeclared(features, node);
    if (missing.length > 0) throw forbidden(Pod, name, `pod update requires features ${missing.join(', ')} which are not available on node ${JSON.stringify(nodeName)}`);
  },
};
