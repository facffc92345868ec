/** Answers in protobuf: objects, lists, metadata alone, Status, discovery, watch frames. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { APIGroupDiscoveryList, ResourceListMessage, resourceListMessage } from '#apimachinery/discovery-messages.ts';
import { APIGroup, APIGroupList, APIVersions, ListMeta, Status } from '#apimachinery/meta-schemas.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { encodeProtobuf } from '#apimachinery/protobuf.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { AnyStruct } from '#apimachinery/schema.ts';
import { object, struct } from '#apimachinery/schema.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { GenerationalCache } from './generational-cache.ts';
import type { Item, ItemForm, Piece } from './list-pieces.ts';
import { listPieces } from './list-pieces.ts';

const PartialObjectMetadata = struct('io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata', { metadata: object(1, TemplateMeta) });

/** The messages of objects out of the cache, each made once. */
const messages = new GenerationalCache<CachedObject, KeptMessage>(16 * 1024 * 1024, ({ message }) => message.length);

interface KeptMessage {
  /** The version it is in. */
  readonly kind: ResourceKind;
  readonly message: Uint8Array;
}

function messageOf(kind: ResourceKind, cached: CachedObject): Uint8Array {
  const known = messages.get(cached);
  if (known?.kind === kind) return known.message;
  const message = encodeProtobuf(kind, toServed(kind, cached.object));
  messages.set(cached, { kind, message });
  return message;
}

/** An object in its envelope. */
export function protobufObject(kind: ResourceKind, value: KubeObject | CachedObject): Buffer {
  const message = 'metadata' in value ? encodeProtobuf(kind, value) : messageOf(kind, value);
  return envelope(kind.apiVersion, kind.kind, [message]);
}

/** A list of objects of `kind`. Its length stands at its start, so all messages are made first, with pauses. */
export async function protobufList(kind: ResourceKind, metadata: object, items: readonly CachedObject[]): Promise<Iterable<Piece>> {
  const meta = encodeProtobuf(ListMeta, metadata);
  let length = 1 + varintLength(meta.length) + meta.length;
  for (const [index, item] of items.entries()) {
    if (index % messagesPerTurn === messagesPerTurn - 1) await nextTurn();
    length += itemLength(messageOf(kind, item));
  }
  const head = Buffer.concat([envelopeHead(kind.apiVersion, kind.listKind, length), fieldHead(0x0a, meta.length), meta]);
  return listPieces(head, items, messagesOf(kind), envelopeTail);
}

/** A few milliseconds' work. */
const messagesPerTurn = 25;
const itemTag = 0x12;
const forms = new WeakMap<ResourceKind, ItemForm>();

/** Objects of `kind` as they stand in a list. */
function messagesOf(kind: ResourceKind): ItemForm {
  let form = forms.get(kind);
  if (form === undefined) {
    form = { separator: '', isLasting: true, of: (cached) => listItem(messageOf(kind, cached)) };
    forms.set(kind, form);
  }
  return form;
}

function itemLength(message: Uint8Array): number {
  return 1 + varintLength(message.length) + message.length;
}

function listItem(message: Uint8Array): Item {
  return {
    length: itemLength(message),
    write(target, offset) {
      target[offset] = itemTag;
      const start = writeVarint(target, offset + 1, message.length);
      target.set(message, start);
      return start + message.length;
    },
  };
}

/** The metadata of an object alone. */
export function protobufPartial(value: { readonly metadata: object }): Buffer {
  return envelope('meta.k8s.io/v1', 'PartialObjectMetadata', [encodeProtobuf(PartialObjectMetadata, value)]);
}

export function protobufPartialList(metadata: object, values: readonly { readonly metadata: object }[]): Buffer {
  return listEnvelope('meta.k8s.io/v1', 'PartialObjectMetadataList', metadata, values.map((value) => encodeProtobuf(PartialObjectMetadata, value)));
}

/** Of `v1`. */
const documents: Readonly<Record<string, AnyStruct>> = { Status, APIVersions, APIGroupList, APIGroup, APIResourceList: ResourceListMessage };

/** A document that is no stored object (a Status, a review); undefined when it has no protobuf form. */
export function protobufDocument(body: object, kindOf: (apiVersion: string, kind: string) => AnyStruct | undefined): Buffer | undefined {
  // The oldest documents do not say their version.
  const { kind, apiVersion = 'v1' } = body as { readonly kind?: unknown; readonly apiVersion?: unknown };
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined;
  const isAggregated = kind === 'APIGroupDiscoveryList' && apiVersion.startsWith('apidiscovery.k8s.io/');
  const found = isAggregated ? APIGroupDiscoveryList : apiVersion === 'v1' && Object.hasOwn(documents, kind) ? documents[kind] : kindOf(apiVersion, kind);
  if (found === undefined || found.atRunTime !== undefined) return undefined;
  return envelope(apiVersion, kind, [encodeProtobuf(found, found === ResourceListMessage ? resourceListMessage(body) : body)]);
}

/**
 * A frame of a watch: its length in four bytes and a WatchEvent, which is in no envelope itself, but its object is.
 * Source: the streaming serializer of Kubernetes' protobuf encoding.
 */
export function protobufFrame(type: string, document: Uint8Array): Buffer {
  const inner = 1 + varintLength(document.length) + document.length;
  const length = 2 + type.length + 1 + varintLength(inner) + inner;
  const frame = Buffer.allocUnsafe(4 + length);
  let at = frame.writeUInt32BE(length, 0);
  frame[at++] = 0x0a;
  frame[at++] = type.length;
  at += frame.write(type, at, 'latin1');
  frame[at++] = 0x12;
  at = writeVarint(frame, at, inner);
  frame[at++] = 0x0a;
  at = writeVarint(frame, at, document.length);
  frame.set(document, at);
  return frame;
}

function listEnvelope(apiVersion: string, kind: string, metadata: object, items: readonly Uint8Array[]): Buffer {
  const meta = encodeProtobuf(ListMeta, metadata);
  const parts: Uint8Array[] = [fieldHead(0x0a, meta.length), meta];
  for (const item of items) parts.push(fieldHead(itemTag, item.length), item);
  return envelope(apiVersion, kind, parts);
}

/** Type and content of `runtime.Unknown`; content encoding and type follow it, empty. */
const magic = Buffer.of(0x6b, 0x38, 0x73, 0x00);
const envelopeTail = Buffer.of(0x1a, 0x00, 0x22, 0x00);

/** `content` in pieces. */
function envelope(apiVersion: string, kind: string, content: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const piece of content) length += piece.length;
  return Buffer.concat([envelopeHead(apiVersion, kind, length), ...content, envelopeTail]);
}

/** Up to the content, which has so many bytes. */
function envelopeHead(apiVersion: string, kind: string, contentLength: number): Buffer {
  const typeMeta = Buffer.concat([fieldHead(0x0a, apiVersion.length), Buffer.from(apiVersion), fieldHead(0x12, kind.length), Buffer.from(kind)]);
  return Buffer.concat([magic, fieldHead(0x0a, typeMeta.length), typeMeta, fieldHead(0x12, contentLength)]);
}

function fieldHead(tag: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(1 + varintLength(length));
  head[0] = tag;
  writeVarint(head, 1, length);
  return head;
}

function varintLength(value: number): number {
  let length = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 128)) length++;
  return length;
}

function writeVarint(target: Buffer, offset: number, value: number): number {
  let at = offset;
  let left = value;
  while (left >= 0x80) {
    target[at++] = (left % 128) | 0x80;
    left = Math.floor(left / 128);
  }
  target[at++] = left;
  return at;
}
