/** The transport for components in the same process: the whole request pipeline, without sockets and encoding. */
import { decodeObject } from '#apimachinery/decode.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { StatusError, internalError } from '#apimachinery/status-error.ts';
import type { ApiRequest, Transport, WatchEvent } from '#client/transport.ts';
import { toServed } from '../registry/served.ts';
import type { ApiCall, ApiResult, UserInfo, WatchItem } from './api-call.ts';
import { isTrue } from './api-call.ts';
import { requestInfo } from './request-info.ts';

/** Everything behind authentication: authorization, flow control, dispatch. */
export type CallHandler = (call: ApiCall) => Promise<ApiResult>;

const never = new AbortController().signal;

/** Who speaks over a transport. */
export interface InProcessCaller {
  readonly user: UserInfo;
  readonly userAgent: string;
  /** A component of the cluster. Default: somebody who waits for seats as anybody does. */
  readonly isComponent?: boolean | undefined;
}

/** A transport that speaks as `user`. Objects it gives are the cache's own. */
export function inProcessTransport(handle: CallHandler, { user, userAgent, isComponent }: InProcessCaller): Transport {
  const callOf = (request: ApiRequest, signal: AbortSignal): ApiCall => {
    const query = request.query ?? {};
    const body = request.body;
    return {
      info: requestInfo(request.method, request.path, isTrue(query['watch'])),
      user,
      query,
      body: () => (body === undefined ? undefined : { json: body as JsonValue, duplicateFields: () => [] }),
      contentType: request.contentType ?? 'application/json',
      userAgent,
      accept: '',
      notes: { outsideMs: 0, isTerminated: false, onSent: undefined },
      isInProcess: true,
      needsNoSeat: isComponent === true ? true : undefined,
      signal,
      warn: () => {},
    };
  };
  return {
    async request(request) {
      const result = await settle(handle(callOf(request, request.signal ?? never)));
      return valueOf(result, request);
    },
    watch<T extends KubeObject>(request: ApiRequest): AsyncIterable<readonly WatchEvent<T>[]> {
      return watchEvents<T>(handle, callOf({ ...request, query: { ...request.query, watch: 'true' } }, request.signal ?? never));
    },
    async stream(request) {
      const result = await settle(handle(callOf(request, request.signal ?? never)));
      if (result.is !== 'raw') throw internalError(new Error(`${request.path} is no stream`));
      return bytesOf(result.body);
    },
    close: () => Promise.resolve(),
  };
}

async function settle(result: Promise<ApiResult>): Promise<ApiResult> {
  try {
    return await result;
  } catch (error) {
    throw error instanceof StatusError ? error : internalError(error);
  }
}

function valueOf(result: ApiResult, request: ApiRequest): unknown {
  switch (result.is) {
    case 'object':
      return result.object.apiVersion === result.kind.apiVersion ? result.object : toServed(result.kind, result.object);
    case 'list': {
      const { kind } = result;
      return {
        kind: kind.listKind,
        apiVersion: kind.apiVersion,
        metadata: {
          resourceVersion: result.resourceVersion,
          ...(result.continue !== undefined && { continue: result.continue }),
          ...(result.remainingItemCount !== undefined && { remainingItemCount: result.remainingItemCount }),
        },
        items: result.items.map((cached) => toServed(kind, cached.object)),
      };
    }
    case 'json':
      return request.kind === undefined ? result.body : decodeObject(request.kind, result.body);
    case 'raw':
      return typeof result.body === 'string' ? result.body : undefined;
    case 'watch':
    case 'upgrade':
      throw internalError(new Error(`${request.path} does not answer with a value`));
  }
}

async function* watchEvents<T extends KubeObject>(handle: CallHandler, call: ApiCall): AsyncGenerator<readonly WatchEvent<T>[]> {
  const result = await settle(handle(call));
  if (result.is !== 'watch') throw internalError(new Error(`${call.info.path} is no watch`));
  const { kind } = result;
  const eventOf = ({ type, cached }: WatchItem): WatchEvent<T> => ({ type, object: (type === 'BOOKMARK' ? { ...cached.object, apiVersion: kind.apiVersion } : toServed(kind, cached.object)) as T });
  for await (const items of result.batches) yield items.map(eventOf);
}

async function* bytesOf(body: string | Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else yield* body;
}
