import type { APIService as ServiceObject, APIServiceCondition } from '#api/apiregistration/api-service.ts';
import { APIService } from '#api/apiregistration/api-service.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText } from '../registry/registry-context.ts';
import type { AggregationMetrics } from './aggregation-metrics.ts';
import type { Availability } from './availability.ts';
import { availableCondition, isSame } from './availability.ts';

/** Makes the condition Available of an APIService say this, unless it does or the object is gone. Throws a conflict when somebody wrote in between. */
export async function publishAvailability({ registry, admin }: { readonly registry: RegistryContext; readonly admin: Client }, metrics: AggregationMetrics, { metadata: { name, uid } }: ServiceObject, availability: Availability): Promise<void> {
  // The event that told of the object is told while its change is being taken in; what it led to is visible a moment later.
  await Promise.resolve();
  const current = registry.objects.get(APIService, name);
  if (current === undefined || current.metadata.uid !== uid) return;
  const before = availableCondition(current);
  if (isSame(before, availability)) return;
  if (before?.status === 'True' && availability.status !== 'True') metrics.becameUnavailable(name, availability.reason ?? '');
  const condition: APIServiceCondition = {
    type: 'Available', ...availability, lastTransitionTime: before !== undefined && before.status === availability.status ? before.lastTransitionTime : nowText(registry.clock),
  };
  const others = (current.status.conditions ?? []).filter(({ type }) => type !== 'Available');
  try {
    await admin.updateStatus(APIService, { ...current, status: { ...current.status, conditions: [...others, condition] } });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
