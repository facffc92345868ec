import { Namespace } from '#api/core/namespace.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import { allowedClients } from './allowed-clients.ts';
import { DnsIndex } from './dns-index.ts';
import { listenDns } from './dns-listener.ts';
import type { DnsListener, Peer, Protocol } from './dns-listener.ts';
import { DnsMetrics } from './dns-metrics.ts';
import { Forwarder } from './forwarder.ts';
import type { Forwarded, UpstreamSource } from './forwarder.ts';
import { answerLimit, encodeAnswer, encodeFailure, parseQuery, questionBytesOf, recordsIn } from './message.ts';
import type { DnsQuery } from './message.ts';
import { planAnswer } from './plan-answer.ts';
import type { AnswerPlan, DnsZone } from './plan-answer.ts';
import type { DnsAnswer, DnsRecord, Rcode } from './records.ts';
import { fitAnswer } from './relayed-answer.ts';
import { resolverFile, upstreamsOf } from './resolv-conf.ts';
import type { UpstreamAddress } from './upstream.ts';

export interface DnsServerOptions {
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** `port` 0 means any that is free. */
  readonly listen: UpstreamAddress;
  /** Seconds; default 5. */
  readonly ttl?: number;
  /** Whom to ask about other names. Default: the servers of `resolvConf`. */
  readonly upstreams?: readonly UpstreamAddress[];
  /** Default /etc/resolv.conf; read anew when it changes. */
  readonly resolvConf?: string;
  /** Ranges whose addresses may ask, beside this machine's own; others are refused. Default: everybody. */
  readonly clients?: readonly string[];
  /** Under which addresses we are known beside `listen`: a server there would be ourselves. */
  readonly ownAddresses?: readonly UpstreamAddress[];
}

export interface RunningDnsServer extends RunningComponent {
  /** Where it listens, for both protocols; undefined before `ready`. */
  readonly port: number | undefined;
  readonly metrics: DnsMetrics;
  /** What is wrong; undefined when it answers. */
  readonly problem: string | undefined;
}

/** Answers for the cluster's names and asks others about the rest. `ready` resolves when it knows the cluster and listens. */
export function createDnsServer(context: ComponentContext, options: DnsServerOptions): RunningDnsServer {
  const server = new DnsServer(context, options);
  server.start();
  return server;
}

class DnsServer implements RunningDnsServer {
  readonly metrics: DnsMetrics;
  readonly #context: ComponentContext;
  readonly #options: DnsServerOptions;
  readonly #zone: DnsZone;
  readonly #index = new DnsIndex();
  readonly #forwarder: Forwarder;
  readonly #mayAsk: (address: string) => boolean;
  readonly #stop = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  readonly #unsubscribe: (() => void)[] = [];
  #listener: DnsListener | undefined;

  constructor(context: ComponentContext, options: DnsServerOptions) {
    this.#context = context;
    this.#options = options;
    this.#zone = { domain: (options.clusterDomain ?? 'cluster.local').toLowerCase().replace(/\.$/, ''), ttl: options.ttl ?? 5 };
    this.#mayAsk = options.clients === undefined ? () => true : allowedClients(options.clients, context.clock);
    this.#forwarder = new Forwarder({
      clock: context.clock, random: context.random, log: context.log, source: sourceOf(options),
      onAsked: ({ to, durationMs, rcode }) => {
        this.metrics.forwardDuration.observe({ proxy_name: 'forward', to: `${to.host}:${to.port}`, rcode: rcode ?? '' }, durationMs / 1000);
      },
    });
    this.metrics = new DnsMetrics(() => this.#forwarder.cache.size);
  }

  get ready(): Promise<void> {
    return this.#started.promise;
  }

  get port(): number | undefined {
    return this.#listener?.port;
  }

  get problem(): string | undefined {
    return this.#listener === undefined ? 'it does not listen yet' : undefined;
  }

  start(): void {
    this.#started.promise.catch(() => undefined);
    this.#begin().then(this.#started.resolve, this.#started.reject);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'));
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#started.promise.catch(() => undefined);
    await this.#listener?.close();
    await this.#forwarder.close();
  }

  async #begin(): Promise<void> {
    const { informers, clock, log } = this.#context;
    const { signal } = this.#stop;
    const index = this.#index;
    const namespaces = informers.for(Namespace);
    const services = informers.for(Service);
    const slices = informers.for(EndpointSlice);
    this.#unsubscribe.push(
      namespaces.addHandler({ added: ({ metadata }) => index.setNamespace(metadata.name), deleted: ({ metadata }) => index.deleteNamespace(metadata.name) }),
      services.addHandler({ added: (service) => index.setService(service), updated: (service) => index.setService(service), deleted: (service) => index.deleteService(service) }),
      slices.addHandler({ added: (slice) => index.setSlice(slice), updated: (slice) => index.setSlice(slice), deleted: (slice) => index.deleteSlice(slice) }),
    );
    // Not before: a name that is not known yet would be denied.
    await Promise.all([namespaces.synced(signal), services.synced(signal), slices.synced(signal)]);
    const listener = await listenDns(this.#options.listen, { clock, log, respond: (packet, peer) => this.#respondToAny(packet, peer) });
    if (signal.aborted) {
      await listener.close();
      throw signal.reason;
    }
    this.#listener = listener;
    log.info({ host: this.#options.listen.host, port: listener.port }, 'answers names');
  }

  /** A mistake of ours about one packet must not end the process. */
  #respondToAny(packet: Buffer, peer: Peer): Buffer | undefined | Promise<Buffer | undefined> {
    try {
      return this.#respond(packet, peer);
    } catch (error) {
      this.#context.log.error({ error, packet: packet.toString('base64') }, 'a question could not be answered');
      return undefined;
    }
  }

  #respond(packet: Buffer, { address, protocol }: Peer): Buffer | undefined | Promise<Buffer | undefined> {
    const startedMs = this.#context.clock.monotonicMs();
    const parsed = parseQuery(packet);
    if (parsed.kind === 'drop') return undefined;
    if (parsed.kind === 'failure') {
      this.#count({ protocol, zone: 'dropped', type: 'other', rcode: parsed.rcode, startedMs });
      return parsed.reply;
    }
    const { query } = parsed;
    const type = countedTypes.has(query.question.type) ? query.question.type : 'other';
    const done = (zone: string, rcode: string, reply: Buffer): Buffer => {
      this.#count({ protocol, zone, type, rcode, startedMs });
      return reply;
    };
    // A resolver that answers the whole world is a weapon.
    if (!this.#mayAsk(address)) return done('.', 'REFUSED', encodeFailure(query, 'REFUSED'));
    if ((query.edns?.version ?? 0) > 0) return done('.', 'BADVERS', encodeFailure(query, 'BADVERS'));
    if (!query.isInternet) return done('.', 'REFUSED', encodeFailure(query, 'REFUSED'));
    const plan = planAnswer(query.question, this.#index, this.#zone);
    const limitBytes = answerLimit(query, protocol);
    switch (plan.kind) {
      case 'answer':
        return done(this.#zone.domain, plan.rcode, encodeAnswer(query, { ...plan, answers: this.#shuffled(plan.answers) }, limitBytes));
      case 'alias':
        return this.#follow(query, plan).then((answer) => done(this.#zone.domain, answer.rcode, encodeAnswer(query, answer, limitBytes)));
      case 'forward':
        if (this.#forwarder.isReturned(query.question.name)) return done('.', 'REFUSED', encodeFailure(query, 'REFUSED'));
        return this.#forwarder.forward(query).then((forwarded) => {
          this.#countForwarded(forwarded);
          if (forwarded.kind === 'failure') return done('.', forwarded.rcode, encodeFailure(query, forwarded.rcode));
          return done('.', String(forwarded.answer.survey.rcode), fitAnswer(forwarded.answer, query, { ageSeconds: forwarded.ageSeconds, limitBytes }));
        });
    }
  }

  /** An ExternalName with what it leads to. Where that cannot be found out, the name alone. */
  async #follow(query: DnsQuery, plan: Extract<AnswerPlan, { readonly kind: 'alias' }>): Promise<DnsAnswer> {
    const question = { name: plan.target, type: query.question.type };
    const forwarded = await this.#forwarder.forward({ ...query, question, questionBytes: questionBytesOf(question) });
    this.#countForwarded(forwarded);
    const answers = forwarded.kind === 'answer' ? recordsIn(forwarded.answer.bytes) : [];
    return { rcode: 'NOERROR', answers: [...plan.answers, ...answers], authorities: [], additionals: [], isAuthoritative: true };
  }

  /** Clients take the first address: each time another, so that all get their share. */
  #shuffled(records: readonly DnsRecord[]): readonly DnsRecord[] {
    if (records.length < 2) return records;
    const isAddress = ({ type }: DnsRecord): boolean => type === 'A' || type === 'AAAA';
    const addresses = records.filter(isAddress);
    if (addresses.length < 2) return records;
    const first = Math.floor(this.#context.random.next() * addresses.length);
    return [...records.filter((record) => !isAddress(record)), ...addresses.slice(first), ...addresses.slice(0, first)];
  }

  #count({ protocol, zone, type, rcode, startedMs }: { readonly protocol: Protocol; readonly zone: string; readonly type: string; readonly rcode: string; readonly startedMs: number }): void {
    const server = `dns://:${this.#listener?.port ?? 0}`;
    const zoneName = zone === '.' || zone === 'dropped' ? zone : `${zone}.`;
    const family = this.#options.listen.host.includes(':') ? '2' : '1';
    const plugin = zone === '.' ? 'forward' : 'kubernetes';
    this.metrics.requests.inc({ server, zone: zoneName, view: '', proto: protocol, family, type });
    this.metrics.responses.inc({ server, zone: zoneName, view: '', rcode: rcodeOfNumber.get(rcode) ?? rcode, plugin });
    this.metrics.duration.observe({ server, zone: zoneName, view: '' }, (this.#context.clock.monotonicMs() - startedMs) / 1000);
  }

  #countForwarded(forwarded: Forwarded): void {
    const labels = { server: `dns://:${this.#listener?.port ?? 0}`, zones: '.', view: '' };
    if (forwarded.kind === 'failure') {
      if (forwarded.isOverloaded) this.metrics.forwardRejects.inc();
      else this.metrics.forwardFailures.inc();
    } else if (forwarded.isCached) this.metrics.cacheHits.inc({ ...labels, type: forwarded.answer.survey.rcode === 0 ? 'success' : 'denial' });
    else this.metrics.cacheMisses.inc(labels);
  }
}

/** Others are counted together: clients make types up. */
const countedTypes = new Set(['A', 'AAAA', 'CNAME', 'DNSKEY', 'DS', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT']);
const rcodeOfNumber = new Map<string, Rcode>([['0', 'NOERROR'], ['1', 'FORMERR'], ['2', 'SERVFAIL'], ['3', 'NXDOMAIN'], ['4', 'NOTIMP'], ['5', 'REFUSED']]);

function sourceOf({ upstreams, resolvConf, listen, ownAddresses = [] }: DnsServerOptions): UpstreamSource {
  if (upstreams !== undefined) {
    let isRead = false;
    return { read: () => {
      const first = isRead ? undefined : upstreams;
      isRead = true;
      return Promise.resolve(first);
    } };
  }
  const file = resolverFile(resolvConf ?? '/etc/resolv.conf');
  return { read: async () => {
    const servers = await file.read();
    return servers === undefined ? undefined : upstreamsOf(servers, [listen, ...ownAddresses]);
  } };
}
