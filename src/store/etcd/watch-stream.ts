import { status } from '@grpc/grpc-js';
import type { CallFailure } from './etcd-errors.ts';
import { isCallFailure } from './etcd-errors.ts';
import type { EtcdClient } from './etcd-client.ts';
import { allKeys } from './key-space.ts';
import { methods } from './methods.ts';
import type { Message } from './wire-fields.ts';

export type EtcdEvent = Message<'Event'>;

export interface WatchStreamHandlers {
  /** Changes of whole revisions, in order. */
  readonly onEvents: (events: readonly EtcdEvent[]) => void;
  /** The stream is over; `compactRevision`: because history up to there is gone. Nothing comes after it. */
  readonly onEnd: (end: { readonly failure: CallFailure; readonly compactRevision: number }) => void;
}

export interface WatchStream {
  close(): void;
}

/**
 * Watches all keys there are from `startRevision` on. Progress is not asked for: etcd before 3.4.25 and 3.5.8 may tell of
 * progress ahead of the events, and with all keys watched every revision shows itself.
 */
export function openWatchStream(client: EtcdClient, options: { readonly startRevision: number }, handlers: WatchStreamHandlers): WatchStream {
  const stream = client.stream(methods.watch);
  let isOver = false;
  /** Of a response that came in parts. */
  let parts: EtcdEvent[] = [];
  const end = (failure: CallFailure, compactRevision = 0): void => {
    if (isOver) return;
    isOver = true;
    stream.cancel();
    handlers.onEnd({ failure, compactRevision });
  };
  stream.on('data', (response: Message<'WatchResponse'>) => {
    if (isOver) return;
    if (response.canceled) return end({ code: status.CANCELLED, details: response.cancelReason === '' ? 'the watch was cancelled' : response.cancelReason }, response.compactRevision);
    if (response.created) return;
    parts = parts.length === 0 ? [...response.events] : [...parts, ...response.events];
    if (response.fragment) return;
    const events = parts;
    parts = [];
    if (events.length > 0) handlers.onEvents(events);
  });
  stream.on('error', (error: Error) => end(isCallFailure(error) ? error : { code: status.UNKNOWN, details: error.message }));
  stream.on('end', () => end({ code: status.UNAVAILABLE, details: 'the watch stream ended' }));
  stream.write({ create: { key: allKeys, rangeEnd: allKeys, startRevision: options.startRevision, fragment: true } });
  return {
    close() {
      isOver = true;
      stream.cancel();
    },
  };
}
