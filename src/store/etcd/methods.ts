import type { Method } from './etcd-client.ts';
import type { MessageName } from './wire-fields.ts';

/** Rewriting a file of gigabytes takes its time. */
const maintenanceMs = 120_000;

/** The methods of etcd's API that the store calls. */
export const methods = {
  range: method('KV/Range', 'RangeRequest', 'RangeResponse'),
  txn: method('KV/Txn', 'TxnRequest', 'TxnResponse'),
  compact: method('KV/Compact', 'CompactionRequest', 'Empty', maintenanceMs),
  watch: method('Watch/Watch', 'WatchRequest', 'WatchResponse'),
  leaseGrant: method('Lease/LeaseGrant', 'LeaseGrantRequest', 'LeaseResponse'),
  leaseRevoke: method('Lease/LeaseRevoke', 'LeaseRequest', 'Empty'),
  leaseKeepAlive: method('Lease/LeaseKeepAlive', 'LeaseRequest', 'LeaseResponse'),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', 'LeaseRequest', 'LeaseResponse'),
  leaseLeases: method('Lease/LeaseLeases', 'Empty', 'LeaseLeasesResponse'),
  status: method('Maintenance/Status', 'Empty', 'StatusResponse'),
  alarm: method('Maintenance/Alarm', 'AlarmRequest', 'AlarmResponse'),
  defragment: method('Maintenance/Defragment', 'Empty', 'Empty', maintenanceMs),
} as const;

function method<I extends MessageName, O extends MessageName>(path: string, request: I, response: O, attemptMs?: number): Method<I, O> {
  return { path: `/etcdserverpb.${path}`, request, response, ...(attemptMs !== undefined && { attemptMs }) };
}
