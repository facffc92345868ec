/**
 * How much of the server a request will take. Pure.
 * Source: KEP-1040 ("Width of the request"); behaviour of the v1.36 API server.
 */
import type { Query } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';

export interface WorkEstimate {
  /** While it is served. */
  readonly seats: number;
  /** After it is answered, for `lingersMs`: its watchers are being told. */
  readonly finalSeats: number;
  readonly lingersMs: number;
}

/** What the server knows of a resource. */
export interface ResourceLoad {
  /** How many objects are stored; undefined: none of the server's own resources. */
  objects(info: RequestInfo): number | undefined;
  /** How many watchers will be told of a change. */
  watchers(info: RequestInfo): number;
}

const objectsPerSeat = 100;
const watchersPerSeat = 10;
/** How long one watcher's share of a seat is taken by one event. */
const eventMs = 5;

export const oneSeat: WorkEstimate = { seats: 1, finalSeats: 0, lingersMs: 0 };

/** `maxSeats`: the most one request is counted as in its priority level. */
export function estimateWork({ info, query }: { readonly info: RequestInfo; readonly query: Query }, maxSeats: number, load: ResourceLoad): WorkEstimate {
  switch (info.verb) {
    case 'list':
      return info.isResource ? listing(info, query, maxSeats, load) : oneSeat;
    case 'watch':
      return isTrue(query['sendInitialEvents']) ? listing(info, query, maxSeats, load) : oneSeat;
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      return info.isResource ? writing(load.watchers(info), maxSeats) : oneSeat;
    default:
      return oneSeat;
  }
}

/** All objects of a resource are looked at, however few are asked for. */
function listing(info: RequestInfo, query: Query, maxSeats: number, load: ResourceLoad): WorkEstimate {
  const objects = isForOne(info, query) ? 1 : load.objects(info);
  if (objects === undefined || objects <= objectsPerSeat) return oneSeat;
  return { ...oneSeat, seats: Math.min(maxSeats, Math.ceil(objects / objectsPerSeat)) };
}

function isForOne({ name }: RequestInfo, query: Query): boolean {
  return name !== '' || /^metadata\.name==?[^,]+$/.test(query['fieldSelector'] ?? '');
}

/** A wide request is made narrower and longer where its level has not so many seats for one: the work stays the same. */
function writing(watchers: number, maxSeats: number): WorkEstimate {
  if (watchers < watchersPerSeat) return oneSeat;
  const wanted = Math.ceil(watchers / watchersPerSeat);
  const finalSeats = Math.min(wanted, maxSeats);
  return { seats: 1, finalSeats, lingersMs: (wanted * eventMs) / finalSeats };
}

/** How many seats it holds from its start until its watchers have been told. */
export function widthOf({ seats, finalSeats }: WorkEstimate): number {
  return Math.max(seats, finalSeats);
}
