import type { Method } from './etcd-client.ts';
import type { MessageName } from './wire-fields.ts';

/** The methods of etcd's API that the store calls. */
export const methods = {
  range: method('KV/Range', 'RangeRequest', 'RangeResponse'),
  txn: method('KV/Txn', 'TxnRequest', 'TxnResponse'),
  compact: method('KV/Compact', 'CompactionRequest', 'Empty'),
  watch: method('Watch/Watch', 'WatchRequest', 'WatchResponse'),
  leaseGrant: method('Lease/LeaseGrant', 'LeaseGrantRequest', 'LeaseResponse'),
  leaseRevoke: method('Lease/LeaseRevoke', 'LeaseRequest', 'Empty'),
  leaseKeepAlive: method('Lease/LeaseKeepAlive', 'LeaseRequest', 'LeaseResponse'),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', 'LeaseRequest', 'LeaseResponse'),
  leaseLeases: method('Lease/LeaseLeases', 'Empty', 'LeaseLeasesResponse'),
  status: method('Maintenance/Status', 'Empty', 'StatusResponse'),
  alarm: method('Maintenance/Alarm', 'AlarmRequest', 'AlarmResponse'),
  defragment: method('Maintenance/Defragment', 'Empty', 'Empty'),
} as const;

function method<I extends MessageName, O extends MessageName>(path: string, request: I, response: O): Method<I, O> {
  return { path: `/etcdserverpb.${path}`, request, response };
}
