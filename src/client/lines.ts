/** A line of a watch holds one object; servers take none larger than 3 MiB, and JSON of protobuf may be a few times that. */
const maxLineBytes = 32 << 20;
const newline = 0x0a;

/** The complete lines of a stream of bytes, in batches as they arrive; empty lines are left out. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncIterable<readonly string[]> {
  let parts: Uint8Array[] = [];
  let pending = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      parts.push(chunk);
      pending += chunk.length;
      if (pending > maxLineBytes) throw new Error(`a line is longer than ${maxLineBytes} bytes`);
      continue;
    }
    parts.push(chunk.subarray(0, end));
    const batch = Buffer.concat(parts).toString().split('\n').filter((line) => line !== '');
    parts = [chunk.subarray(end + 1)];
    pending = chunk.length - end - 1;
    if (batch.length > 0) yield batch;
  }
  const rest = Buffer.concat(parts).toString().trim();
  if (rest !== '') yield [rest];
}
