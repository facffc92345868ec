import { acceptedTypes } from '#serving/accepted-types.ts';

/** Which form of an answer a client wants. Source: Kubernetes documentation, "API concepts: alternate representations". */
export interface AnswerForm {
  readonly media: Media;
  readonly as: 'object' | 'table' | 'partial';
}
export type Media = 'json' | 'yaml' | 'protobuf' | 'cbor';

/** What is to be sent; not everything has every form. */
export interface Offer {
  /** Whether it is a stream of events: YAML has none. */
  readonly streams?: boolean;
  /** Whether it is of a custom kind, which has no protobuf form. */
  readonly isCustom?: boolean;
  /** Whether it only answers a question (an access review): it has no metadata, so it is no table either. */
  readonly isReview?: boolean;
}

/** There is one of each, so that forms can be compared by identity. */
const forms: readonly AnswerForm[] = (['json', 'yaml', 'protobuf', 'cbor'] as const).flatMap((media) => (['object', 'table', 'partial'] as const).map((as) => ({ media, as })));
const plain = formOf('json', 'object');
const parsed = new Map<string, AnswerForm | undefined>();
/** Clients name few forms; what a client makes up must not fill the memory. */
const parsedLimit = 200;

export const contentTypes: Readonly<Record<Media, string>> = {
  json: 'application/json', yaml: 'application/yaml', protobuf: 'application/vnd.kubernetes.protobuf', cbor: 'application/cbor',
};
export const streamTypes: Readonly<Record<Exclude<Media, 'yaml'>, string>> = {
  json: 'application/json', protobuf: 'application/vnd.kubernetes.protobuf;stream=watch', cbor: 'application/cbor-seq',
};

/** The first acceptable form in the client's order; undefined when there is none (406). */
export function negotiate(accept: string | undefined, { streams = false, isCustom = false, isReview = false }: Offer = {}): AnswerForm | undefined {
  if (accept === undefined || accept === '' || accept === 'application/json') return plain;
  const key = `${streams ? 's' : ''}${isCustom ? 'c' : ''}${isReview ? 'r' : ''} ${accept}`;
  if (parsed.has(key)) return parsed.get(key);
  const form = firstAcceptable(accept, { streams, isCustom, isReview });
  if (parsed.size >= parsedLimit) parsed.clear();
  parsed.set(key, form);
  return form;
}

function firstAcceptable(accept: string, offer: Required<Offer>): AnswerForm | undefined {
  for (const { type, parameters } of acceptedTypes(accept)) {
    const media = mediaOf(type, offer.streams);
    if (media === undefined) continue;
    const { as, v, g } = parameters;
    const part = as === undefined ? 'object' : g === 'meta.k8s.io' && (v === 'v1' || v === 'v1beta1') && Object.hasOwn(parts, as) ? parts[as] : undefined;
    if (part !== undefined && isOffered(media, part, offer)) return formOf(media, part);
  }
  return undefined;
}

const parts: Readonly<Record<string, AnswerForm['as']>> = { Table: 'table', PartialObjectMetadata: 'partial', PartialObjectMetadataList: 'partial' };

/** Tables have no protobuf form, nor do objects of custom kinds; their metadata has. */
function isOffered(media: Media, as: AnswerForm['as'], { streams, isCustom, isReview }: Required<Offer>): boolean {
  if (isReview && as !== 'object') return false;
  if (media === 'yaml') return !streams;
  return media !== 'protobuf' || as === 'partial' || (as === 'object' && !isCustom);
}

function formOf(media: Media, as: AnswerForm['as']): AnswerForm {
  return forms.find((each) => each.media === media && each.as === as) ?? { media, as };
}

function mediaOf(type: string, streams: boolean): Media | undefined {
  switch (type) {
    case 'application/json': case '*/*': case 'application/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    case 'application/cbor':
      return 'cbor';
    case 'application/cbor-seq':
      return streams ? 'cbor' : undefined;
    default:
      return undefined;
  }
}

/** For the text of a 406. */
export function acceptableTypes({ streams = false, isCustom = false, isReview = false }: Offer = {}): readonly string[] {
  const all: readonly Media[] = ['json', 'yaml', 'protobuf', 'cbor'];
  return all.filter((media) => isOffered(media, 'object', { streams, isCustom, isReview })).map((media) => (streams && media !== 'yaml' ? streamTypes[media] : contentTypes[media]));
}
