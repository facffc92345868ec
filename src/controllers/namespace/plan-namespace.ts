/** What the conditions of a namespace that is going away say about what is left in it. Pure. */
import type { NamespaceCondition } from '#api/core/namespace.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { groupResource } from '#apimachinery/status-error.ts';
import { withCondition } from '#api/core/pod-status.ts';
import { timestamp } from '#client/timestamp.ts';

/** What was found of one kind after its deletion was asked for. */
export interface Remaining {
  readonly kind: Pick<ResourceKind, 'plural' | 'group'>;
  readonly count: number;
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface ContentReport {
  readonly remaining: readonly Remaining[];
  readonly failures: readonly string[];
  /** Group versions of which nobody says what they hold. */
  readonly undiscovered: readonly string[];
}

export function terminationConditions(old: readonly NamespaceCondition[] | undefined, { remaining, failures, undiscovered }: ContentReport, nowMs: number): readonly NamespaceCondition[] {
  const left = remaining.map(({ kind, count }) => `${resourceName(kind)} has ${count} resource instances`);
  const finalizers = new Map<string, number>();
  for (const each of remaining) for (const [name, count] of each.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  const held = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`);
  const conditions: readonly NamespaceCondition[] = [
    undiscovered.length === 0
      ? ok('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered')
      : bad('NamespaceDeletionDiscoveryFailure', 'DiscoveryFailed', `Discovery failed for some groups, ${undiscovered.length} failing: ${discoveryFailure(undiscovered)}`),
    ok('NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    failures.length === 0
      ? ok('NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization')
      : bad('NamespaceDeletionContentFailure', 'ContentDeletionFailed', `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`),
    left.length === 0
      ? ok('NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed')
      : bad('NamespaceContentRemaining', 'SomeResourcesRemain', `Some resources are remaining: ${left.sort().join(', ')}`),
    held.length === 0
      ? ok('NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished')
      : bad('NamespaceFinalizersRemaining', 'SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${held.sort().join(', ')}`),
  ];
  let result = old ?? [];
  for (const condition of conditions) result = withCondition(result, condition, timestamp(nowMs));
  return result;
}

export function discoveryFailure(undiscovered: readonly string[]): string {
  return `unable to retrieve the complete list of server APIs: ${undiscovered.map((each) => `${each}: stale GroupVersion discovery: ${each}`).join(', ')}`;
}

function ok(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: 'False', reason, message };
}
function bad(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: 'True', reason, message };
}

/** The core group leaves its dot behind, as Kubernetes writes it. */
function resourceName(kind: Pick<ResourceKind, 'plural' | 'group'>): string {
  return kind.group === '' ? `${kind.plural}.` : groupResource(kind);
}
