/**
 * The messages of etcd's API that the store uses, by their field numbers.
 *
 * Source: etcd's API reference, "etcd API Reference" (etcdserverpb and mvccpb), 3.4 and later; the fields of 3.4 only.
 */

/**
 * `int`: a 64-bit integer that a JavaScript number holds (revisions, counts). `id`: one that may need all 64 bits, kept
 * as a bigint. `bool`, `text`, `bytes`. Other words are messages.
 */
type FieldType = string;

/** Number, type, and whether it repeats. */
type Field = readonly [number, FieldType] | readonly [number, FieldType, 'many'];

export type Fields = Readonly<Record<string, Field>>;

const header = [1, 'Header'] as const;

export const messages = {
  Header: { revision: [3, 'int'] },
  KeyValue: { key: [1, 'bytes'], createRevision: [2, 'int'], modRevision: [3, 'int'], version: [4, 'int'], value: [5, 'bytes'], lease: [6, 'id'] },
  Event: { type: [1, 'int'], kv: [2, 'KeyValue'] },

  RangeRequest: { key: [1, 'bytes'], rangeEnd: [2, 'bytes'], limit: [3, 'int'], revision: [4, 'int'], serializable: [7, 'bool'], keysOnly: [8, 'bool'], countOnly: [9, 'bool'] },
  RangeResponse: { header, kvs: [2, 'KeyValue', 'many'], more: [3, 'bool'], count: [4, 'int'] },
  PutRequest: { key: [1, 'bytes'], value: [2, 'bytes'], lease: [3, 'id'] },
  DeleteRangeRequest: { key: [1, 'bytes'] },
  RequestOp: { range: [1, 'RangeRequest'], put: [2, 'PutRequest'], deleteRange: [3, 'DeleteRangeRequest'] },
  ResponseOp: { range: [1, 'RangeResponse'] },
  Compare: { result: [1, 'int'], target: [2, 'int'], key: [3, 'bytes'], version: [4, 'int'], modRevision: [6, 'int'] },
  TxnRequest: { compare: [1, 'Compare', 'many'], success: [2, 'RequestOp', 'many'], failure: [3, 'RequestOp', 'many'] },
  TxnResponse: { header, succeeded: [2, 'bool'], responses: [3, 'ResponseOp', 'many'] },
  CompactionRequest: { revision: [1, 'int'], physical: [2, 'bool'] },

  WatchRequest: { create: [1, 'WatchCreateRequest'] },
  WatchCreateRequest: { key: [1, 'bytes'], rangeEnd: [2, 'bytes'], startRevision: [3, 'int'], fragment: [8, 'bool'] },
  WatchResponse: {
    header, created: [3, 'bool'], canceled: [4, 'bool'], compactRevision: [5, 'int'], cancelReason: [6, 'text'], fragment: [7, 'bool'], events: [11, 'Event', 'many'],
  },

  LeaseGrantRequest: { ttlSeconds: [1, 'int'], id: [2, 'id'] },
  LeaseRequest: { id: [1, 'id'], keys: [2, 'bool'] },
  LeaseResponse: { header, id: [2, 'id'], ttlSeconds: [3, 'int'], grantedSeconds: [4, 'int'], keys: [5, 'bytes', 'many'] },
  LeaseStatus: { id: [1, 'id'] },
  LeaseLeasesResponse: { header, leases: [2, 'LeaseStatus', 'many'] },

  StatusResponse: { header, version: [2, 'text'], sizeBytes: [3, 'int'], sizeInUseBytes: [9, 'int'] },
  AlarmRequest: { action: [1, 'int'], memberId: [2, 'id'], alarm: [3, 'int'] },
  AlarmMember: { memberId: [1, 'id'], alarm: [2, 'int'] },
  AlarmResponse: { header, alarms: [2, 'AlarmMember', 'many'] },
  Empty: {},
} as const satisfies Readonly<Record<string, Fields>>;

export type MessageName = keyof typeof messages;

type ValueOf<T> = T extends 'int' ? number : T extends 'id' ? bigint : T extends 'bool' ? boolean : T extends 'text' ? string : T extends 'bytes' ? Uint8Array
  : T extends MessageName ? Message<T> : never;

/** A message as it is read: scalars have their zero values, messages that were not sent are absent, lists are always there. */
export type Message<N extends MessageName> = {
  readonly [K in keyof (typeof messages)[N]]: (typeof messages)[N][K] extends readonly [number, infer T, 'many'] ? readonly ValueOf<T>[]
    : (typeof messages)[N][K] extends readonly [number, infer T] ? (T extends MessageName ? Message<T> | undefined : ValueOf<T>) : never;
};

/** A message as it is written: what is left out has its zero value. */
export type Given<N extends MessageName> = {
  readonly [K in keyof (typeof messages)[N]]?: (typeof messages)[N][K] extends readonly [number, infer T, 'many'] ? readonly (T extends MessageName ? Given<T> : ValueOf<T>)[]
    : (typeof messages)[N][K] extends readonly [number, infer T] ? (T extends MessageName ? Given<T> | undefined : ValueOf<T>) : never;
};
