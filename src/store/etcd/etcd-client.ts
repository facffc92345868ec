import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ChannelCredentials } from '@grpc/grpc-js';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import { present } from '#base/assert.ts';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { StoreError } from '../store.ts';
import { isCallFailure, isPassing, storeErrorOf, type CallFailure } from './etcd-errors.ts';
import { decode, encode } from './wire-codec.ts';
import type { Given, Message, MessageName } from './wire-fields.ts';

/** How to reach a TLS etcd; PEM texts. */
export interface EtcdTls {
  readonly caPem?: string | undefined;
  readonly certificatePem?: string | undefined;
  readonly privateKeyPem?: string | undefined;
}

export interface EtcdClientOptions {
  /** `https://10.0.0.1:2379`, ... Tried in turn, beginning with the first. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls | undefined;
  readonly random: Random;
  readonly log: Logger;
}

/** A method of etcd's API, and what goes in and out. */
export interface Method<I extends MessageName, O extends MessageName> {
  readonly path: string;
  readonly request: I;
  readonly response: O;
  /** Bounds one attempt. Default: `attemptMs`. */
  readonly attemptMs?: number;
}

/**
 * Bounds one attempt. What a member has handed to a leader that died is lost, and it waits 5 s for it in vain; whoever
 * asks again earlier is answered by the new leader.
 */
const attemptMs = 2_000;
/** Bounds all attempts of one call: an election takes up to about 2 s, a connection that died 1 s more. */
const callMs = 15_000;
const firstBackoffMs = 25;
const maxBackoffMs = 500;

/**
 * Calls to the members of one etcd cluster. One member is used until it fails; then the next one. Time is the machine's
 * own here whatever clock the store has: the other end is a real program.
 */
export class EtcdClient {
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #log: Logger;
  #current = 0;
  #isClosed = false;

  constructor({ endpoints, tls, random, log }: EtcdClientOptions) {
    if (endpoints.length === 0) throw new StoreError('unavailable', 'no etcd endpoint is given');
    this.#members = endpoints.map((endpoint) => connectMember(endpoint, tls));
    this.#random = random;
    this.#log = log;
  }

  /**
   * Calls until a member answers, for `callMs` at most. `repeated` says whether the request may have been carried out
   * before: an earlier attempt was sent and its answer never came. Throws `StoreError`.
   */
  async call<I extends MessageName, O extends MessageName>(method: Method<I, O>, request: Given<I>): Promise<{ readonly response: Message<O>; readonly repeated: boolean }> {
    const bytes = encode(method.request, request);
    const deadlineMs = systemClock.monotonicMs() + callMs;
    let backoffMs = firstBackoffMs;
    let repeated = false;
    for (;;) {
      if (this.#isClosed) throw closedError();
      const index = this.#current;
      const member = present(this.#members[index], 'a member');
      const attempt = await this.#attempt(member, method, bytes);
      if (attempt.ok) return { response: attempt.response, repeated };
      if (!isPassing(attempt.failure)) throw storeErrorOf(attempt.failure);
      repeated ||= attempt.wasSent;
      this.#moveOn(index, attempt.failure);
      if (systemClock.monotonicMs() > deadlineMs) throw storeErrorOf(attempt.failure);
      await systemClock.sleep(backoffMs * (0.5 + this.#random.next() * 0.5));
      backoffMs = Math.min(maxBackoffMs, backoffMs * 2);
    }
  }

  /** One attempt at each member: what concerns members, not the data. Members that do not answer are left out. */
  async callEach<I extends MessageName, O extends MessageName>(method: Method<I, O>, request: Given<I>): Promise<readonly Message<O>[]> {
    const bytes = encode(method.request, request);
    const attempts = await Promise.all(this.#members.map((member) => this.#attempt(member, method, bytes)));
    return attempts.flatMap((attempt) => (attempt.ok ? [attempt.response] : []));
  }

  /** Opens a stream to the current member. It ends with an error when the member is lost; the caller opens another one. */
  stream<I extends MessageName, O extends MessageName>(method: Method<I, O>): ClientDuplexStream<Given<I>, Message<O>> {
    const member = present(this.#members[this.#current], 'a member');
    const metadata = new Metadata();
    // A member that has lost the others would keep a watch open and say nothing.
    metadata.set('hasleader', 'true');
    return member.client.makeBidiStreamRequest(method.path, (value: Given<I>) => encode(method.request, value), (bytes: Buffer) => decode(method.response, bytes), metadata);
  }

  /** From now on another member is used: a stream of the current one broke. */
  leaveMember(failure: CallFailure): void {
    this.#moveOn(this.#current, failure);
  }

  close(): void {
    this.#isClosed = true;
    for (const { client } of this.#members) client.close();
  }

  #moveOn(from: number, failure: CallFailure): void {
    if (from !== this.#current || this.#members.length === 1) return;
    this.#current = (from + 1) % this.#members.length;
    this.#log.info({ from: this.#members[from]?.endpoint, to: this.#members[this.#current]?.endpoint, why: failure.details }, 'using another etcd member');
  }

  #attempt<I extends MessageName, O extends MessageName>(member: Member, method: Method<I, O>, bytes: Buffer): Promise<Attempt<O>> {
    return new Promise((resolve) => {
      member.client.makeUnaryRequest(
        method.path, (value: Buffer) => value, (answer: Buffer) => decode(method.response, answer), bytes, new Metadata(), { deadline: systemClock.nowMs() + (method.attemptMs ?? attemptMs) },
        (error, response) => {
          if (error === null && response !== undefined) return resolve({ ok: true, response });
          const failure = isCallFailure(error) ? error : Object.assign(new Error('no answer'), { code: status.UNKNOWN, details: 'no answer' });
          const wasSent = !unsent.some((words) => failure.details.startsWith(words));
          resolve({ ok: false, failure: wasSent ? failure : Object.assign(failure, { details: `${member.endpoint} cannot be reached: ${failure.details}` }), wasSent });
        },
      );
    });
  }
}

type Attempt<O extends MessageName> =
  | { readonly ok: true; readonly response: Message<O> }
  | { readonly ok: false; readonly failure: CallFailure & Error; readonly wasSent: boolean };

/** How gRPC begins to say that a request has not left. */
const unsent = ['No connection established', 'Name resolution failed'];

interface Member {
  readonly endpoint: string;
  readonly client: Client;
}

function connectMember(endpoint: string, tls: EtcdTls | undefined): Member {
  const url = URL.parse(endpoint.includes('://') ? endpoint : `http://${endpoint}`);
  if (url === null) throw new StoreError('unavailable', `${endpoint} is no URL of an etcd member`);
  const client = new Client(`${url.hostname}:${url.port === '' ? '2379' : url.port}`, credentialsFor(url, tls), {
    // To name an address is not allowed in TLS; what the certificate must be for is checked in `credentialsFor`.
    ...(isAddress(url) && { 'grpc.ssl_target_name_override': 'etcd' }),
    // Ranges of many objects come in one message.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    // Each store has connections of its own: two stores of one process share nothing.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
  });
  return { endpoint, client };
}

function credentialsFor(url: URL, tls: EtcdTls | undefined): ChannelCredentials {
  if (url.protocol !== 'https:') return credentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(tls?.caPem), pem(tls?.privateKeyPem), pem(tls?.certificatePem), {
    ...(isAddress(url) && { checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(addressOf(url), certificate) }),
  });
}

function isAddress(url: URL): boolean {
  return url.protocol === 'https:' && isIP(addressOf(url)) !== 0;
}

/** Without the brackets of IPv6. */
function addressOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function closedError(): StoreError {
  return new StoreError('closed', 'the store is closed');
}
