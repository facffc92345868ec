import { Binding } from '#api/core/binding.ts';
import { Pod } from '#api/core/pod.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { badRequest, conflict, invalid, methodNotSupported } from '#apimachinery/status-error.ts';
import { admitSubresource } from '../../admission/admit-connect.ts';
import type { ApiCall, ApiResult } from '../../request/api-call.ts';
import { success } from '../../request/api-call.ts';
import type { ReviewHandler } from '../../request/dispatch.ts';
import { isDryRun } from '../create.ts';
import { decodeBody } from '../decode-body.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nowText } from '../registry-context.ts';
import { updateObject } from '../update.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

/**
 * POST pods/x/binding: the scheduler's decision. A pod is bound once; it is then no longer nominated.
 * Source: API reference, core/v1 Binding; KEP-5278.
 */
export function podBinding(registry: RegistryContext): SubresourceHandler {
  return { group: '', resource: 'pods', subresource: 'binding', handle: (call, kind) => bindPod(registry, call, kind, call.info.name) };
}

/** POST bindings: the same, with the pod named by the Binding alone. Nothing is stored under this name. */
export function bindings(registry: RegistryContext): ReviewHandler {
  return {
    group: '',
    resource: 'bindings',
    handle(call, kind) {
      const { name = '' } = decodeBody(Binding, call).metadata as { readonly name?: string };
      return bindPod(registry, call, kind, name);
    },
  };
}

/** Binds `podName` as the Binding in the body says. Throws a StatusError when it cannot be bound. */
export async function bindPod(registry: RegistryContext, call: ApiCall, kind: ResourceKind, podName: string): Promise<ApiResult> {
  if (call.info.verb !== 'create') throw methodNotSupported(kind, call.info.verb);
  const binding = decodeBody(Binding, call) as unknown as Draft<Binding>;
  const name = binding.metadata.name ?? '';
  if (name !== '' && name !== podName) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${podName})`);
  const { target } = binding;
  if ((target.kind ?? '') !== '' && target.kind !== 'Node' && target.kind !== 'Minion') {
    throw invalid(Binding, podName, [{ type: 'FieldValueNotSupported', path: 'target.kind', value: target.kind, detail: 'supported values: "Node", "<empty>"' }]);
  }
  const node = target.name ?? '';
  if (node === '') throw invalid(Binding, podName, [{ type: 'FieldValueRequired', path: 'target.name', detail: '' }]);
  const now = nowText(registry.clock);
  const ofPod = { ...call, info: { ...call.info, resource: 'pods', subresource: 'binding', name: podName } };
  await admitSubresource(registry, ofPod, Pod, { name: podName, dryRun: isDryRun(call.query), sent: { kind: Binding, document: binding } });
  await updateObject(registry, Pod, ofPod, {
    subresource: 'binding',
    isTrusted: true,
    isAdmitted: true,
    change(current) {
      const pod = current as unknown as Pod;
      if ((binding.metadata.uid ?? '') !== '' && binding.metadata.uid !== pod.metadata.uid) {
        throw conflict(Pod, podName, `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid}`);
      }
      if (pod.metadata.deletionTimestamp !== undefined) throw conflict(Binding, podName, `pod ${podName} is being deleted, cannot be assigned to a host`);
      if ((pod.spec.nodeName ?? '') !== '') throw conflict(Binding, podName, `pod ${podName} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
      if ((pod.spec.schedulingGates ?? []).length > 0) throw conflict(Binding, podName, `pod ${podName} has non-empty .spec.schedulingGates`);
      // What was promised is settled now.
      const { nominatedNodeName: _settled, ...status } = pod.status;
      const others = (status.conditions ?? []).filter((each) => each.type !== 'PodScheduled');
      const bound: Pod = {
        ...pod,
        metadata: {
          ...pod.metadata,
          resourceVersion: '',
          ...(binding.metadata.labels !== undefined && { labels: { ...binding.metadata.labels, ...pod.metadata.labels } }),
          ...(binding.metadata.annotations !== undefined && { annotations: { ...pod.metadata.annotations, ...binding.metadata.annotations } }),
        },
        spec: { ...pod.spec, nodeName: node },
        status: { ...status, conditions: [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }] },
      };
      return bound as Draft<Pod>;
    },
  });
  const created = success();
  return { ...created, code: 201, body: { ...created.body, code: 201 } };
}
