import type { IncomingMessage } from 'node:http';

/** Larger answers are no reviews. */
const maxAnswerBytes = 3 * 1024 * 1024;

/** The body of a webhook's answer. Rejects when it is larger than any answer may be. */
export async function answerText(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    length += (piece as Buffer).length;
    if (length > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces).toString();
}
