import http from 'node:http';

/** Requests at a steady rate, one connection each, as many clients would send them. */
export interface RequestLoop {
  /** Ends the loop; resolves when the last answer is in. */
  stop(): Promise<LoopReport>;
}
export interface LoopReport {
  readonly sent: number;
  /** What went wrong, one line per failed request. */
  readonly failures: readonly string[];
  /** How often each distinct line of the answers was seen. */
  readonly answers: ReadonlyMap<string, number>;
}

export function startRequestLoop(url: string, perSecond: number): RequestLoop {
  let sent = 0;
  const failures: string[] = [];
  const answers = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  const startedMs = Date.now();
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - startedMs) * perSecond) / 1000);
    while (sent < due) {
      sent++;
      const request = ask(url).then(
        (text) => {
          for (const line of text.split('\n').filter((each) => each !== '')) answers.set(line, (answers.get(line) ?? 0) + 1);
        },
        (error: unknown) => void failures.push(String(error)),
      );
      pending.add(request);
      void request.finally(() => pending.delete(request));
    }
  }, 5);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      return { sent, failures, answers };
    },
  };
}

/** The body of a 200 answer; rejects for everything else. */
export function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP ${response.statusCode}: ${text}`))));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 5 s')));
    request.on('error', reject);
  });
}

/** Asks until the answer is as expected. Throws the last one after 30 s. */
export async function askUntil(url: string, expected: RegExp): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const answer = await ask(url).catch(String);
    if (expected.test(answer)) return;
    if (Date.now() > deadlineMs) throw new Error(`${url} does not answer as expected after 30 s, but: ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
