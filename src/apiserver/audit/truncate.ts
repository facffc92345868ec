import type { AuditEvent } from './event.ts';
import type { TruncationSettings } from './settings.ts';

const annotation = 'audit.k8s.io/truncated';

/** The event, without what was sent and answered when it is too large; undefined when it still is. */
export function truncated(event: AuditEvent, { maxEventBytes }: TruncationSettings): AuditEvent | undefined {
  if (sizeOf(event) <= maxEventBytes) return event;
  const { requestObject: _sent, responseObject: _answered, ...rest } = event;
  const cut = { ...rest, annotations: { ...rest.annotations, [annotation]: 'true' } };
  return sizeOf(cut) <= maxEventBytes ? cut : undefined;
}

/** The events in batches that are not too large. */
export function* inBatches(events: readonly AuditEvent[], maxBytes: number): Iterable<readonly AuditEvent[]> {
  let batch: AuditEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = sizeOf(event);
    if (batch.length > 0 && bytes + size > maxBytes) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf(event: AuditEvent): number {
  return Buffer.byteLength(JSON.stringify(event));
}
