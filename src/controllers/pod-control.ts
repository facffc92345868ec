/** Making and removing the pods of an owner, with the events that people look for. */
import type { ObjectMeta, OwnerReference } from '#apimachinery/object-meta.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason, StatusError } from '#apimachinery/status-error.ts';
import { Pod } from '#api/core/pod.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';

type Acting = Pick<ReconcileContext, 'client' | 'recorder' | 'signal'>;

/** A pod as the template has it, owned by `owner`; its name is made by the server. Pure. */
export function podFromTemplate(template: PodTemplateSpec, owner: { readonly metadata: ObjectMeta }, controller: OwnerReference): Given<Pod> {
  const { labels, annotations, finalizers } = template.metadata;
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ...(finalizers !== undefined && { finalizers }),
      ownerReferences: [controller],
    },
    spec: template.spec,
  };
}

/** Creates the pod and says so in an event of `owner`; a failure is told in an event and thrown. */
export async function createPod(pod: Given<Pod>, owner: KubeObject, { client, recorder, signal }: Acting): Promise<Pod> {
  try {
    const made = await client.create(Pod, pod, { signal });
    recorder.event({ object: owner }, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`);
    return made;
  } catch (error) {
    // Of a namespace that is going away everybody knows.
    if (!isNamespaceTerminating(error)) recorder.event({ object: owner }, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    throw error;
  }
}

/** Deletes the pod; one that is gone already counts as deleted, without an event. */
export async function deletePod(pod: Pod, owner: KubeObject, { client, recorder, signal }: Acting): Promise<void> {
  try {
    await client.delete(Pod, pod.metadata, { signal });
  } catch (error) {
    if (hasReason(error, 'NotFound')) return;
    recorder.event({ object: owner }, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
  recorder.event({ object: owner }, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
}

export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
