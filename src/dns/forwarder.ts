import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { AnswerCache } from './answer-cache.ts';
import type { DnsQuery } from './message.ts';
import { encodeQuestion, questionBytesOf } from './message.ts';
import type { Rcode } from './records.ts';
import { rcodes } from './records.ts';
import type { RelayedAnswer } from './relayed-answer.ts';
import type { AskOptions, UpstreamAddress } from './upstream.ts';
import { askTcp, askUdp } from './upstream.ts';
import { headerBytes, surveyResponse } from './wire-walk.ts';

/** Where the servers to ask come from. */
export interface UpstreamSource {
  /** Undefined when nothing has changed since the last call. */
  read(): Promise<readonly UpstreamAddress[] | undefined>;
}

export interface ForwarderDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly source: UpstreamSource;
  /** Hears of every question to a server. */
  readonly onAsked?: (about: { readonly to: UpstreamAddress; readonly durationMs: number; readonly rcode: Rcode | undefined }) => void;
}

export type Forwarded =
  | { readonly kind: 'answer'; readonly answer: RelayedAnswer; readonly ageSeconds: number; readonly isCached: boolean }
  | { readonly kind: 'failure'; readonly rcode: 'SERVFAIL' | 'REFUSED'; readonly isOverloaded: boolean };

/** Clients ask again after five seconds; by then two servers have been waited for. */
const attemptTimeoutMs = 2000;
const maxAttempts = 2;
/** Each holds a socket; a file table of 1024 has room for these beside everything else. */
const maxInFlight = 256;
/** So many questions without an answer, one after the other, and a server counts as gone, for so long. */
const failuresUntilDown = 2;
const downMs = { first: 1000, most: 15_000 } as const;
/** How often the source is looked at while questions come in. */
const sourceEveryMs = 5000;

interface Upstream extends UpstreamAddress {
  failures: number;
  downUntilMs: number;
}

/**
 * Asks the node's resolvers. Promises an answer or a failure before the client gives up, at once when all servers are
 * known to be gone. The same question asked by several is asked once, so that one that comes back to us ends here.
 */
export class Forwarder {
  readonly cache: AnswerCache;
  readonly #dependencies: ForwarderDependencies;
  readonly #stop = new AbortController();
  readonly #inFlight = new Map<string, Promise<RelayedAnswer | undefined>>();
  /** Names that nobody but ourselves knows: one that is asked of us tells which server asks us. */
  readonly #probes = new Map<string, Upstream>();
  #upstreams: readonly Upstream[] | undefined;
  #reading: Promise<void> | undefined;
  #readMs = 0;

  constructor(dependencies: ForwarderDependencies) {
    this.#dependencies = dependencies;
    this.cache = new AnswerCache(dependencies.clock);
  }

  async forward(query: DnsQuery): Promise<Forwarded> {
    const key = keyOf(query);
    const cached = this.cache.get(key);
    if (cached !== undefined) return { kind: 'answer', ...cached, isCached: true };
    let asking = this.#inFlight.get(key);
    if (asking === undefined) {
      if (this.#inFlight.size >= maxInFlight) return { kind: 'failure', rcode: 'REFUSED', isOverloaded: true };
      asking = this.#ask(query).finally(() => this.#inFlight.delete(key));
      this.#inFlight.set(key, asking);
    }
    const answer = await asking;
    if (answer === undefined) return { kind: 'failure', rcode: 'SERVFAIL', isOverloaded: false };
    this.cache.put(key, answer);
    return { kind: 'answer', answer, ageSeconds: 0, isCached: false };
  }

  /** Whether the name is one that we sent out ourselves; the server that brought it back is not asked again. */
  isReturned(name: string): boolean {
    const upstream = this.#probes.get(name);
    if (upstream === undefined) return false;
    this.#probes.delete(name);
    this.#upstreams = this.#upstreams?.filter((each) => each !== upstream);
    this.#dependencies.log.warn({ upstream: `${upstream.host}:${upstream.port}` }, 'this name server asks us what we ask it; it is no longer asked');
    return true;
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'));
    await Promise.allSettled([...this.#inFlight.values(), this.#reading]);
  }

  async #ask(query: DnsQuery): Promise<RelayedAnswer | undefined> {
    const { clock, log } = this.#dependencies;
    await this.#readSource();
    const nowMs = clock.monotonicMs();
    const candidates = [...(this.#upstreams ?? [])].filter((each) => each.downUntilMs <= nowMs).sort((a, b) => Number(a.failures > 0) - Number(b.failures > 0));
    const [first] = candidates;
    if (first === undefined) return undefined;
    // A lone server that was well until now may just have lost the packet.
    if (candidates.length === 1 && first.failures === 0) candidates.push(first);
    for (const upstream of candidates.slice(0, maxAttempts)) {
      if (this.#stop.signal.aborted) return undefined;
      // Only one question finds out whether it is back.
      if (upstream.failures >= failuresUntilDown) upstream.downUntilMs = clock.monotonicMs() + attemptTimeoutMs;
      try {
        const answer = await this.#askOne(upstream, query);
        upstream.failures = 0;
        upstream.downUntilMs = 0;
        return answer;
      } catch (error) {
        upstream.failures++;
        const extra = upstream.failures - failuresUntilDown;
        if (extra >= 0) upstream.downUntilMs = clock.monotonicMs() + Math.min(downMs.first * 2 ** Math.min(extra, 10), downMs.most);
        log.debug({ error, name: query.question.name }, 'a name server did not answer');
      }
    }
    return undefined;
  }

  async #askOne(upstream: Upstream, query: DnsQuery): Promise<RelayedAnswer> {
    const { clock, random, onAsked } = this.#dependencies;
    const id = Math.floor(random.next() * 0x1_0000);
    const { questionBytes, isCheckingDisabled } = query;
    const question = encodeQuestion({ id, questionBytes, isCheckingDisabled, wantsDnssec: query.edns?.wantsDnssec === true });
    const startedMs = clock.monotonicMs();
    const options: AskOptions = {
      clock, timeoutMs: attemptTimeoutMs, signal: this.#stop.signal,
      isAnswer: (packet) => packet.length >= headerBytes + questionBytes.length && packet.readUInt16BE(0) === id
        && spellingOf(packet.subarray(headerBytes, headerBytes + questionBytes.length)) === spellingOf(questionBytes) && surveyResponse(packet) !== undefined,
    };
    try {
      let bytes = await askUdp(upstream, question, options);
      // Whoever sent the beginning of an answer is there; if it has no TCP, the beginning is what we have.
      if (surveyResponse(bytes)?.isTruncated === true) bytes = await askTcp(upstream, question, options).catch(() => bytes);
      const survey = surveyResponse(bytes);
      if (survey === undefined) throw new Error('the answer cannot be read');
      onAsked?.({ to: upstream, durationMs: clock.monotonicMs() - startedMs, rcode: rcodeNames.get(survey.rcode) });
      return { bytes, survey };
    } catch (error) {
      onAsked?.({ to: upstream, durationMs: clock.monotonicMs() - startedMs, rcode: undefined });
      throw error;
    }
  }

  /** Reads the source at the first question and, while questions come in, every few seconds. */
  async #readSource(): Promise<void> {
    const { clock, source, log } = this.#dependencies;
    const nowMs = clock.monotonicMs();
    if (this.#reading === undefined && (this.#upstreams === undefined || nowMs - this.#readMs >= sourceEveryMs)) {
      this.#readMs = nowMs;
      this.#reading = source.read().then(
        (addresses) => { if (addresses !== undefined) this.#setUpstreams(addresses); },
        (error: unknown) => log.warn({ error }, 'the list of name servers cannot be read'),
      ).finally(() => { this.#reading = undefined; });
    }
    if (this.#upstreams === undefined) await this.#reading;
  }

  #setUpstreams(addresses: readonly UpstreamAddress[]): void {
    this.#upstreams = addresses.map((address) => ({ ...address, failures: 0, downUntilMs: 0 }));
    this.#probes.clear();
    for (const upstream of this.#upstreams) this.#probe(upstream);
  }

  /** Source: CoreDNS' loop plugin, which asks its servers for a random name and listens whether it hears it. */
  #probe(upstream: Upstream): void {
    const name = `${this.#dependencies.random.uuid()}.skiff-loop`;
    this.#probes.set(name, upstream);
    const question = { name, type: 'HINFO' };
    const query: DnsQuery = { id: 0, question, isInternet: true, questionBytes: questionBytesOf(question), wantsRecursion: true, isCheckingDisabled: false, edns: undefined };
    const probing: Promise<undefined> = this.#askOne(upstream, query).then(() => undefined, () => undefined).finally(() => {
      this.#probes.delete(name);
      this.#inFlight.delete(name);
    });
    // Counted among the others, so that closing waits for it.
    this.#inFlight.set(name, probing);
  }
}

const rcodeNames = new Map(Object.entries(rcodes).map(([name, code]) => [code as number, name as Rcode]));

/** What makes two questions the same: name in any case, type, class, and what the asker does with signatures. */
function keyOf({ questionBytes, isCheckingDisabled, edns }: DnsQuery): string {
  return `${spellingOf(questionBytes)} ${isCheckingDisabled ? 'cd' : ''} ${edns?.wantsDnssec === true ? 'do' : ''}`;
}

/** The bytes of a question with its letters in lower case; type and class, at the end, are no letters. */
function spellingOf(questionBytes: Buffer): string {
  const name = questionBytes.toString('latin1', 0, questionBytes.length - 4).replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return name + questionBytes.toString('latin1', questionBytes.length - 4);
}
