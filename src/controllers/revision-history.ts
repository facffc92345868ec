/** ControllerRevisions: the templates that a DaemonSet or StatefulSet has had, numbered. Planning is pure. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { ControllerRevision } from '#api/apps/controller-revision.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { claim, controllerReference } from '#reconcile/adoption.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { canonicalText, safeHash } from './template-hash.ts';

/** The label that says of which revision a pod is. */
export const revisionHashLabel = 'controller-revision-hash';

export interface RevisionOwner {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
  readonly query: LabelQuery;
  readonly template: PodTemplateSpec;
  readonly collisionCount: number;
  /** Whether hashes in labels carry the owner's name, as StatefulSets' do. */
  readonly labelsByName: boolean;
}

export interface History {
  /** Oldest first, without the newest. */
  readonly old: readonly ControllerRevision[];
  /** That of the template as it is now. */
  readonly current: ControllerRevision;
}

/** What the pods of the revision are labelled with. */
export function hashOf({ metadata }: ControllerRevision): string {
  return metadata.labels?.[revisionHashLabel] ?? '';
}

const dataTexts = new WeakMap<object, string>();

/** Revisions with the same text restore the same template. */
function textOf({ data = {} }: Pick<ControllerRevision, 'data'>): string {
  let text = dataTexts.get(data);
  if (text === undefined) dataTexts.set(data, (text = canonicalText(data)));
  return text;
}

export function byRevision(left: ControllerRevision, right: ControllerRevision): number {
  return left.revision - right.revision || (left.metadata.name < right.metadata.name ? -1 : 1);
}

/** The revision of the owner's template, as it would be created. Pure. */
export function newRevision({ kind, object, query, template, collisionCount, labelsByName }: RevisionOwner, revision: number): Given<ControllerRevision> & { readonly data: object } {
  const data = { spec: { template: { ...JSON.parse(JSON.stringify(template)) as object, $patch: 'replace' } } };
  const hash = safeHash(`${canonicalText(data)}#${collisionCount}`);
  const { name, namespace, annotations } = object.metadata;
  const labels: Record<string, string> = { ...template.metadata.labels };
  for (const { key, operator, values } of query.requirements) if (operator === '=' && values[0] !== undefined) labels[key] = values[0];
  return {
    metadata: {
      name: `${name}-${hash}`, namespace, labels: { ...labels, [revisionHashLabel]: labelsByName ? `${name}-${hash}` : hash },
      // Among them why the template was changed, which `kubectl rollout history` shows.
      ...(annotations !== undefined && { annotations }),
      ownerReferences: [controllerReference(kind, object)],
    },
    data,
    revision,
  };
}

/** Finds or makes the revision of the owner's template, and gives it the highest number. */
export async function syncHistory(owner: RevisionOwner, context: ReconcileContext): Promise<History | 'collision'> {
  const { client, signal } = context;
  const revisions = [...await claim(ControllerRevision, { kind: owner.kind, owner: owner.object, query: owner.query }, context)].sort(byRevision);
  const highest = revisions.at(-1)?.revision ?? 0;
  const wanted = newRevision(owner, highest + 1);
  const equal = revisions.filter((revision) => textOf(revision) === canonicalText(wanted.data));
  let current = equal.at(-1);
  if (current === undefined) {
    try {
      current = await client.create(ControllerRevision, wanted, { signal });
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      const known = await client.get(ControllerRevision, { namespace: owner.object.metadata.namespace, name: wanted.metadata?.name ?? '' }, { signal });
      if (textOf(known) !== canonicalText(wanted.data)) return 'collision';
      current = known;
    }
  } else if (current.revision < highest) {
    current = await client.update(ControllerRevision, { ...current, revision: highest + 1 }, { signal });
  }
  const { name } = current.metadata;
  return { current, old: revisions.filter((revision) => revision.metadata.name !== name) };
}

/** Old revisions beyond the limit that no pod is of, oldest first. Pure. */
export function surplusRevisions({ old }: History, limit: number, isLive: (revision: ControllerRevision) => boolean): readonly ControllerRevision[] {
  const unused = old.filter((revision) => !isLive(revision));
  return unused.slice(0, Math.max(0, unused.length - limit));
}

/** The template that the revision holds, put back into the kind's own type; undefined when it holds none. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const spec = data?.['spec'];
  const template = isJsonObject(spec) ? spec['template'] : undefined;
  if (!isJsonObject(template)) return undefined;
  const { $patch: _patch, ...rest } = template;
  return rest as unknown as PodTemplateSpec;
}
