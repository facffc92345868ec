import type { Buffer } from 'node:buffer';
import { StatusError } from '#apimachinery/status-error.ts';

const shownBytes = 30;

/** A body that is no document at all; who knows what it should have been says so with `unrecognized`. */
export class UnreadableBody extends StatusError {
  readonly summary: string;

  constructor(message: string, bytes: Buffer) {
    super(400, 'BadRequest', message);
    this.summary = summarize(bytes);
  }
}

/** The 400 for an object that should have been of the kind. Source: upstream's wording, which tools match. */
export function unrecognized(kind: string, { message, summary }: Pick<UnreadableBody, 'message' | 'summary'>): StatusError {
  return new StatusError(400, 'BadRequest', `the object provided is unrecognized (must be of type ${kind}): ${message} (${summary})`);
}

/** The beginning of a body: as it is when that looks like JSON, else in hexadecimal digits. */
export function summarize(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const shown = bytes.subarray(0, shownBytes);
  return `${bytes[0] === 0x7b ? shown.toString() : shown.toString('hex')}${bytes.length > shownBytes ? ' ...' : ''}`;
}
