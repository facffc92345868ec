/** Packets: what is asked in one, and what is answered in another. Source: RFC 1035, RFC 6891. */
import dnsPacket from 'dns-packet';
import type { Answer } from 'dns-packet';
import type { DnsAnswer, DnsRecord, Question, Rcode } from './records.ts';
import { rcodes } from './records.ts';
import { headerBytes, skipName } from './wire-walk.ts';

/** A packet that asks one thing. */
export interface DnsQuery {
  readonly id: number;
  readonly question: Question;
  /** Whether the class is IN; we know no other. */
  readonly isInternet: boolean;
  /** The question as it came: answers repeat it to the letter, whatever its case. */
  readonly questionBytes: Buffer;
  readonly wantsRecursion: boolean;
  readonly isCheckingDisabled: boolean;
  /** Undefined when the client does not speak EDNS. */
  readonly edns: { readonly version: number; readonly udpBytes: number; readonly wantsDnssec: boolean } | undefined;
}

export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: DnsQuery }
  /** What is to be sent back instead. */
  | { readonly kind: 'failure'; readonly rcode: Rcode; readonly reply: Buffer }
  /** Not a question at all: an answer to it could go back and forth for ever. */
  | { readonly kind: 'drop' };

const flags = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080, checkingDisabled: 0x0010 } as const;

/** What every client can take in one datagram. */
const plainUdpBytes = 512;
/** What we offer and send at most: fits into one frame on any link, so nothing is fragmented. Source: DNS flag day 2020. */
export const ednsUdpBytes = 1232;

/** Takes any bytes. */
export function parseQuery(bytes: Buffer): ParsedQuery {
  if (bytes.length < headerBytes) return { kind: 'drop' };
  const head = bytes.readUInt16BE(2);
  if ((head & flags.response) !== 0) return { kind: 'drop' };
  const id = bytes.readUInt16BE(0);
  const opcode = (head >> 11) & 0xf;
  const failure = (rcode: Rcode): ParsedQuery => ({ kind: 'failure', rcode, reply: header({ id, bits: flags.response | (head & (0x7800 | flags.recursionDesired)), rcode }) });
  if (opcode !== 0) return failure('NOTIMP');
  let packet;
  try {
    packet = dnsPacket.decode(bytes);
  } catch {
    return failure('FORMERR');
  }
  const [question] = packet.questions ?? [];
  const nameEnd = skipName(bytes, headerBytes);
  if (question === undefined || packet.questions?.length !== 1 || nameEnd === undefined || nameEnd + 4 > bytes.length) return failure('FORMERR');
  const opts = (packet.additionals ?? []).filter((record) => record.type === 'OPT');
  const [opt] = opts;
  if (opts.length > 1) return failure('FORMERR');
  return {
    kind: 'query',
    query: {
      id,
      question: { name: question.name === '.' ? '' : question.name.toLowerCase(), type: question.type },
      isInternet: question.class === 'IN',
      questionBytes: bytes.subarray(headerBytes, nameEnd + 4),
      wantsRecursion: (head & flags.recursionDesired) !== 0,
      isCheckingDisabled: (head & flags.checkingDisabled) !== 0,
      edns: opt === undefined ? undefined : { version: opt.ednsVersion, udpBytes: opt.udpPayloadSize, wantsDnssec: opt.flag_do },
    },
  };
}

/** How many bytes an answer may have. */
export function answerLimit({ edns }: DnsQuery, protocol: 'udp' | 'tcp'): number {
  if (protocol === 'tcp') return 0xffff;
  return edns === undefined ? plainUdpBytes : Math.min(Math.max(edns.udpBytes, plainUdpBytes), ednsUdpBytes);
}

/** The packet of an answer. One that is too long loses its additional records, then answers, and then says that it did. */
export function encodeAnswer(query: DnsQuery, answer: DnsAnswer, limitBytes: number): Buffer {
  const names = namesInQuestion(query);
  const opt = query.edns === undefined ? undefined : optRecord(answer.rcode);
  const room = limitBytes - (opt?.length ?? 0);
  const parts: Buffer[] = [query.questionBytes];
  let length = headerBytes + query.questionBytes.length;
  let isFull = false;
  const put = (records: readonly DnsRecord[]): number => {
    let count = 0;
    for (const record of records) {
      const bytes = encodeRecord(record, names, length);
      if (length + bytes.length > room) isFull = true;
      if (isFull) break;
      parts.push(bytes);
      length += bytes.length;
      count++;
    }
    return count;
  };
  const answers = put(answer.answers);
  const authorities = put(answer.authorities);
  const isTruncated = isFull;
  // What nobody asked for may be missing without a word.
  const additionals = put(answer.additionals);
  if (opt !== undefined) parts.push(opt);
  const bits = flags.response | flags.recursionAvailable
    | (answer.isAuthoritative ? flags.authoritative : 0) | (isTruncated ? flags.truncated : 0)
    | (query.wantsRecursion ? flags.recursionDesired : 0) | (query.isCheckingDisabled ? flags.checkingDisabled : 0);
  const head = header({ id: query.id, bits, rcode: answer.rcode, counts: [1, answers, authorities, additionals + (opt === undefined ? 0 : 1)] });
  return Buffer.concat([head, ...parts]);
}

/** An answer without records. */
export function encodeFailure(query: DnsQuery, rcode: Rcode): Buffer {
  return encodeAnswer(query, { rcode, answers: [], authorities: [], additionals: [], isAuthoritative: false }, plainUdpBytes);
}

/** A question of our own, in the words of the client's. */
export function encodeQuestion({ id, questionBytes, wantsDnssec, isCheckingDisabled }: { readonly id: number; readonly questionBytes: Buffer; readonly wantsDnssec: boolean; readonly isCheckingDisabled: boolean }): Buffer {
  const bits = flags.recursionDesired | (isCheckingDisabled ? flags.checkingDisabled : 0);
  return Buffer.concat([header({ id, bits, rcode: 'NOERROR', counts: [1, 0, 0, 1] }), questionBytes, optRecord('NOERROR', wantsDnssec)]);
}

/** The bytes of a question about `name`. */
export function questionBytesOf({ name, type }: Question): Buffer {
  const packet = dnsPacket.encode({ questions: [{ name: name === '' ? '.' : name, type: type as 'A' }] });
  return packet.subarray(headerBytes);
}

/** The answers in a packet that lead from a name to what it is; others are left out. Empty when it cannot be read. */
export function recordsIn(bytes: Buffer): readonly DnsRecord[] {
  try {
    return (dnsPacket.decode(bytes).answers ?? []).flatMap((record) => (isOurs(record) && isPlain(record) ? [{ ...record, name: record.name.toLowerCase(), ttl: record.ttl ?? 0 } as DnsRecord] : []));
  } catch {
    return [];
  }
}

function isOurs(record: Answer): record is Extract<Answer, { readonly ttl?: number | undefined }> {
  return ['A', 'AAAA', 'CNAME', 'PTR', 'NS', 'SRV', 'SOA'].includes(record.type);
}

/** Whether its names survive being written anew: as text, bytes that are no text get lost. */
function isPlain({ name, type, data }: Answer & { readonly data?: unknown }): boolean {
  const isText = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);
  return isText(name) && (typeof data === 'string' ? isText(data) : type === 'SRV' || type === 'SOA' ? isText(JSON.stringify(data)) : true);
}

/** The OPT record of our side: root, type 41, size, and the upper bits of the code. Source: RFC 6891 section 6.1.2. */
export function optRecord(rcode: Rcode, wantsDnssec = false): Buffer {
  const bytes = Buffer.alloc(11);
  bytes.writeUInt16BE(41, 1);
  bytes.writeUInt16BE(ednsUdpBytes, 3);
  bytes.writeUInt8(rcodes[rcode] >> 4, 5);
  bytes.writeUInt16BE(wantsDnssec ? 0x8000 : 0, 7);
  return bytes;
}

function header({ id, bits, rcode, counts = [0, 0, 0, 0] }: { readonly id: number; readonly bits: number; readonly rcode: Rcode; readonly counts?: readonly number[] }): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(bits | (rcodes[rcode] & 0xf), 2);
  for (const [index, count] of counts.entries()) bytes.writeUInt16BE(count, 4 + index * 2);
  return bytes;
}

/** The library writes every name in full; names at the front of records repeat, so those are pointers where they can be. */
function encodeRecord(record: DnsRecord, names: Map<string, number>, at: number): Buffer {
  const owner = encodeOwner(record.name, names, at);
  const rest = dnsPacket.encode({ answers: [{ ...record, name: '.' }] }).subarray(headerBytes + 1);
  return Buffer.concat([owner, rest]);
}

/** Where the question's name and what it ends in stand. */
function namesInQuestion({ question, questionBytes }: DnsQuery): Map<string, number> {
  const names = new Map<string, number>();
  let at = 0;
  for (let rest = question.name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1)) {
    const length = questionBytes[at] ?? 0;
    // A dot inside a label: from here on the text does not tell where labels begin.
    if (length === 0) return new Map([[question.name, headerBytes]]);
    names.set(rest, headerBytes + at);
    at += length + 1;
    if (!rest.includes('.')) break;
  }
  return questionBytes[at] === 0 ? names : new Map([[question.name, headerBytes]]);
}

/** A pointer has 14 bits. */
const farthestName = 0x3fff;

function encodeOwner(name: string, names: Map<string, number>, at: number): Buffer {
  const labels: Buffer[] = [];
  let rest = name;
  let length = 0;
  while (rest !== '') {
    const known = names.get(rest);
    if (known !== undefined) {
      labels.push(Buffer.from([0xc0 | (known >> 8), known & 0xff]));
      return Buffer.concat(labels);
    }
    if (at + length <= farthestName) names.set(rest, at + length);
    const dot = rest.indexOf('.');
    const label = Buffer.from(dot < 0 ? rest : rest.slice(0, dot));
    labels.push(Buffer.from([label.length & 0x3f]), label.subarray(0, 63));
    length += label.length + 1;
    rest = dot < 0 ? '' : rest.slice(dot + 1);
  }
  return Buffer.concat([...labels, Buffer.from([0])]);
}
