/** What a watch sends: a line per event, or a frame where the form is not made of lines. What many watchers get is made once. */
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Chunks } from '#serving/exchange.ts';
import { byteLength } from '#serving/exchange.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { WatchItem } from './api-call.ts';
import type { EncodeContext } from './encode.ts';
import { isStoredForm, protobufForm, shape } from './encode.ts';
import { protobufFrame, protobufObject } from './encode-protobuf.ts';
import type { AnswerForm, Media } from './negotiate.ts';
import { cbor } from './rare-formats.ts';

/** From this size on copying events together costs more than sending them one by one. */
const maxJoinedBytes = 64 * 1024;
/** Watchers that are woken together get the same events: what one of them was sent is kept for the others, for a few of their forms. */
const sent: Batch[] = [];
const maxSent = 8;

interface Batch {
  readonly kind: ResourceKind;
  readonly form: AnswerForm;
  readonly items: readonly WatchItem[];
  readonly bytes: Uint8Array;
}

/** The events that are sent together: the very same bytes for all who get the same, where they are few. */
export function encodeBatch(kind: ResourceKind, items: readonly WatchItem[], context: EncodeContext): Chunks {
  const { form } = context;
  for (const known of sent) if (known.form === form && known.kind === kind && isSame(known.items, items)) return known.bytes;
  const events = items.map((item) => encodeEvent(kind, item, context));
  if (byteLength(events) > maxJoinedBytes) return events;
  const bytes = Buffer.concat(events);
  if (form.as !== 'table') sent.push({ kind, form, items, bytes });
  if (sent.length > maxSent) sent.shift();
  return bytes;
}

function isSame(left: readonly WatchItem[], right: readonly WatchItem[]): boolean {
  return left.length === right.length && left.every(({ type, cached }, index) => cached === right[index]?.cached && type === right[index].type);
}

/** A line of a watch answer, or a frame of it where the form is not made of lines. */
function encodeEvent(kind: ResourceKind, item: WatchItem, context: EncodeContext): Uint8Array {
  const { form } = context;
  if (item.type === 'BOOKMARK') return frame(form.media, 'BOOKMARK', bookmarkObject(kind, item, context), kind);
  // What a table says of ages is not the same a minute later.
  if (form.as === 'table') return frame(form.media, item.type, shape(kind, [toServed(kind, item.cached.object)], context, undefined));
  return frameOf(kind, item, context);
}

/** What ends a watch with an error. */
export function encodeErrorEvent(status: object, media: Media): Uint8Array {
  return frame(media, 'ERROR', status);
}

/** `kind`: of what `object` is, where that is an object as it is served. */
function frame(media: Media, type: string, object: object, kind?: ResourceKind): Uint8Array {
  switch (media) {
    case 'json': case 'yaml':
      return Buffer.from(`${JSON.stringify({ type, object })}\n`);
    case 'cbor':
      return cbor().encodeCbor({ type, object });
    case 'protobuf':
      return protobufFrame(type, protobufForm(object, kind));
  }
}

function bookmarkObject(kind: ResourceKind, item: WatchItem, context: EncodeContext): object {
  const metadata = {
    resourceVersion: String(item.cached.revision),
    creationTimestamp: null,
    ...(item.initialEventsEnd === true && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  };
  if (context.form.as === 'table') return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: metadata.resourceVersion }, columnDefinitions: [], rows: [{ cells: [], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }] };
  if (context.form.as === 'partial') return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  return { kind: kind.kind, apiVersion: kind.apiVersion, metadata };
}

/** Watchers of one resource get an event at nearly the same time: its frame is made once per form and kept for a while. */
const frames = new Map<CachedObject, readonly Frame[]>();
const maxFrames = 256;

interface Frame {
  readonly type: string;
  readonly form: AnswerForm;
  /** The version it is in. */
  readonly kind: ResourceKind;
  readonly bytes: Uint8Array;
}

function frameOf(kind: ResourceKind, item: WatchItem, context: EncodeContext): Uint8Array {
  const { cached, type } = item;
  const { form } = context;
  const known = frames.get(cached);
  if (known !== undefined) for (const each of known) if (each.form === form && each.kind === kind && each.type === type) return each.bytes;
  const bytes = makeFrame(kind, item, context);
  if (known === undefined && frames.size >= maxFrames) for (const oldest of frames.keys()) {
    frames.delete(oldest);
    break;
  }
  frames.set(cached, [...(known ?? []), { type, form, kind, bytes }]);
  return bytes;
}

function makeFrame(kind: ResourceKind, { cached, type }: WatchItem, context: EncodeContext): Uint8Array {
  const { media, as } = context.form;
  if (as === 'object' && media === 'json' && isStoredForm(kind, cached)) return lineOf(type, cached);
  if (as === 'object' && media === 'protobuf') return protobufFrame(type, protobufObject(kind, cached));
  return frame(media, type, shape(kind, [toServed(kind, cached.object)], context, undefined), kind);
}

function lineOf(type: string, cached: CachedObject): Buffer {
  const head = `{"type":"${type}","object":`;
  const line = Buffer.allocUnsafe(head.length + cached.jsonLength + 2);
  line.write(head, 0, 'latin1');
  const end = cached.writeJson(line, head.length);
  line.write('}\n', end, 'latin1');
  return line;
}
