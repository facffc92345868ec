import { status } from '@grpc/grpc-js';
import { StoreError } from '../store.ts';

/** What gRPC says of a call that failed. */
export interface CallFailure {
  readonly code: status;
  readonly details: string;
}

export function isCallFailure(error: unknown): error is CallFailure & Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** Whether another member, or the same one later, may answer. */
export function isPassing({ code, details }: CallFailure): boolean {
  switch (code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.INTERNAL:
    case status.UNKNOWN:
      return true;
    case status.RESOURCE_EXHAUSTED:
      return details.includes('too many requests');
    default:
      return false;
  }
}

/** The store's words for what etcd refuses. Source: etcd's rpctypes. */
export function storeErrorOf(failure: CallFailure & Error): StoreError {
  const { code, details } = failure;
  const made = (storeCode: ConstructorParameters<typeof StoreError>[0]): StoreError => new StoreError(storeCode, details, { cause: failure });
  if (details.includes('has been compacted')) return made('compacted');
  if (details.includes('is a future revision')) return made('future-revision');
  if (details.includes('lease not found')) return made('lease-not-found');
  if (details.includes('database space exceeded')) return made('no-space');
  if (details.includes('request is too large') || details.includes('too many operations')) return made('too-large');
  if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) return new StoreError('unavailable', `etcd refuses this client: ${details}`, { cause: failure });
  return new StoreError('unavailable', `etcd: ${details === '' ? failure.message : details}`, { cause: failure });
}
