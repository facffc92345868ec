/** Answers of others: kept as the bytes they came in, fitted to whoever asks. */
import type { DnsQuery } from './message.ts';
import { optRecord } from './message.ts';
import type { ResponseSurvey } from './wire-walk.ts';
import { headerBytes } from './wire-walk.ts';

export interface RelayedAnswer {
  readonly bytes: Buffer;
  readonly survey: ResponseSurvey;
}

/**
 * The answer as a reply to `query`: its id and its spelling of the name, times to live less `ageSeconds`, with EDNS only
 * where the client speaks it, and without records where they do not fit.
 */
export function fitAnswer({ bytes, survey }: RelayedAnswer, query: DnsQuery, options: { readonly ageSeconds: number; readonly limitBytes: number }): Buffer {
  const opt = query.edns === undefined || (survey.hasOpt && survey.optOffset === undefined) ? Buffer.alloc(0) : optRecord('NOERROR');
  const end = survey.optOffset ?? bytes.length;
  const isTooLong = end + opt.length > options.limitBytes;
  const reply = Buffer.concat([bytes.subarray(0, isTooLong ? survey.questionEnd : end), opt]);
  query.questionBytes.copy(reply, headerBytes);
  reply.writeUInt16BE(query.id, 0);
  const head = reply.readUInt16BE(2);
  reply.writeUInt16BE((head & ~0x0310) | (isTooLong ? 0x0200 : 0) | (query.wantsRecursion ? 0x0100 : 0) | (query.isCheckingDisabled ? 0x0010 : 0), 2);
  const additionals = bytes.readUInt16BE(10) - (survey.optOffset === undefined ? 0 : 1);
  const counts = isTooLong ? [0, 0, 0] : [bytes.readUInt16BE(6), bytes.readUInt16BE(8), additionals];
  reply.writeUInt16BE(counts[0] ?? 0, 6);
  reply.writeUInt16BE(counts[1] ?? 0, 8);
  reply.writeUInt16BE((counts[2] ?? 0) + (opt.length > 0 ? 1 : 0), 10);
  if (!isTooLong && options.ageSeconds > 0) {
    for (const offset of survey.ttlOffsets) reply.writeUInt32BE(Math.max(0, reply.readUInt32BE(offset) - options.ageSeconds), offset);
  }
  return reply;
}
