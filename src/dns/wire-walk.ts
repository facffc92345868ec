/** Packets of others, read only as far as it takes to keep and to pass them on. Source: RFC 1035 section 4.1. */

export const headerBytes = 12;
const optType = 41;
const soaType = 6;
/** Seconds, where nothing says how long an answer holds: pods repeat what their search path makes. As CoreDNS does. */
const silentTtl = 5;

export interface ResponseSurvey {
  readonly rcode: number;
  readonly isTruncated: boolean;
  /** Just behind the one question. */
  readonly questionEnd: number;
  readonly answerCount: number;
  /** Where the times to live stand. */
  readonly ttlOffsets: readonly number[];
  /** Seconds for which all of it holds: the shortest, for negative answers the SOA's minimum too. */
  readonly ttl: number;
  /** Where the OPT record begins, when it is the last one. */
  readonly optOffset: number | undefined;
  readonly hasOpt: boolean;
}

/** What there is to know of a response with one question; undefined when it is none or broken. */
export function surveyResponse(bytes: Buffer): ResponseSurvey | undefined {
  if (bytes.length < headerBytes || (bytes.readUInt16BE(2) & 0x8000) === 0 || bytes.readUInt16BE(4) !== 1) return undefined;
  const nameEnd = skipName(bytes, headerBytes);
  if (nameEnd === undefined || nameEnd + 4 > bytes.length) return undefined;
  const counts = [bytes.readUInt16BE(6), bytes.readUInt16BE(8), bytes.readUInt16BE(10)] as const;
  const total = counts[0] + counts[1] + counts[2];
  const ttlOffsets: number[] = [];
  let ttl: number | undefined;
  let optOffset: number | undefined;
  let hasOpt = false;
  let offset = nameEnd + 4;
  for (let index = 0; index < total; index++) {
    const fields = skipName(bytes, offset);
    if (fields === undefined || fields + 10 > bytes.length) return undefined;
    const type = bytes.readUInt16BE(fields);
    const end = fields + 10 + bytes.readUInt16BE(fields + 8);
    if (end > bytes.length) return undefined;
    if (type === optType) {
      hasOpt = true;
      if (index === total - 1) optOffset = offset;
    } else {
      ttlOffsets.push(fields + 4);
      const own = bytes.readUInt32BE(fields + 4);
      // The last four bytes of a SOA. Source: RFC 2308 section 5.
      const minimum = type === soaType && counts[0] === 0 && end - fields >= 14 ? bytes.readUInt32BE(end - 4) : own;
      ttl = Math.min(ttl ?? own, own, minimum);
    }
    offset = end;
  }
  const head = bytes.readUInt16BE(2);
  return { rcode: head & 0xf, isTruncated: (head & 0x0200) !== 0, questionEnd: nameEnd + 4, answerCount: counts[0], ttlOffsets, ttl: ttl ?? silentTtl, optOffset, hasOpt };
}

/** Just behind the name at `offset`; undefined when it runs out of the packet. */
export function skipName(bytes: Buffer, offset: number): number | undefined {
  let at = offset;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) return at + 2 <= bytes.length ? at + 2 : undefined;
    if ((length & 0xc0) !== 0) return undefined;
    at += length + 1;
  }
}
