import { systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { kinds } from '#api/kinds.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { LoadAnswer, LoadClient } from '../http-load.ts';
import { createLoadClient } from '../http-load.ts';
import type { ServerProcess } from '../api/server-process.ts';
import { startServerProcess } from '../api/server-process.ts';
import { fuzzDefinition, fuzzKind } from './custom-kind.ts';
import { Dice } from './dice.ts';
import type { FuzzRequest } from './generate-request.ts';
import { collectionPath, generateRequest } from './generate-request.ts';

export interface FuzzOptions {
  readonly count: number;
  /** The requests follow from it; their answers depend on the order in which 16 clients happen to be served. */
  readonly seed: number;
  /** Stops after so many findings. */
  readonly maxFindings: number;
  readonly onProgress: (progress: FuzzProgress) => void;
}

export interface FuzzProgress extends FuzzMemory {
  readonly findings: number;
}

/** The server's memory after so many requests, when the objects that they left are removed and all garbage is collected. */
export interface FuzzMemory {
  readonly sent: number;
  readonly heldMiB: number;
  readonly residentMiB: number;
}

/** Something that must not be. */
export interface Finding {
  readonly what: string;
  readonly request: string;
  readonly answer: string;
}

export interface FuzzReport {
  readonly sent: number;
  readonly perSecond: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** Objects read back at the end, each of which an unchanged PUT must leave in peace. */
  readonly objectsChecked: number;
  /** After the first fifth, in the middle, and at the end, when the server has been left alone for a while. */
  readonly memory: { readonly fifth: FuzzMemory; readonly middle: FuzzMemory; readonly end: FuzzMemory };
}

/** What the original calls an internal error, too: the scale of a custom object that has no number of replicas, ports for health checks. */
const upstreamFails = /the spec replicas field .* does not exist|failed to allocate requested HealthCheck NodePort/;
const clients = 16;
const requestMs = 20_000;
/** Objects are removed every so many requests, and every fifth: what stays would not be growth of the server's own making. */
const sweepEvery = 20_000;
/**
 * What is held may grow by so much between the first fifth and the end. The memory store's past accounts for it: the last
 * 10,000 revisions, 35 MiB at most, are there only after some 150,000 requests. Of a million requests 50 bytes each are found.
 */
const growthMiB = 40;
/** What may stay resident beyond what is held: Node's own code and what V8 and the C library keep at hand. */
const overheadMiB = 150;
/** Events stay 75 s for watches and are looked through once a minute; a server gives memory back after half a quiet minute. */
const quietMs = 150_000;

/** Sends requests until `count`, then looks at every object and at the server's memory. Rejects only when it cannot run. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const server = await startServerProcess({ store: 'memory', place: '', nodeFlags: ['--expose-gc'] });
  const run = new FuzzRun(options, server);
  try {
    return await run.run();
  } finally {
    run.close();
    await server.close();
  }
}

/**
 * All but those that would make the server call out, or refuse all that follows: what webhooks are called is not the
 * server's own doing, and a policy that denies everything or a range of addresses that was removed would hide the rest.
 */
const leftOut = new Set(['ServiceCIDR', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', 'APIService', 'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicyBinding']);
const fuzzedKinds: readonly ResourceKind[] = [...kinds.filter(({ kind }) => !leftOut.has(kind)), fuzzKind, fuzzKind, fuzzKind];

class FuzzRun {
  readonly #options: FuzzOptions;
  readonly #server: ServerProcess;
  readonly #client: LoadClient;
  readonly #kinds = fuzzedKinds;
  readonly #findings = new Map<string, Finding>();
  readonly #byStatus: Record<string, number> = {};
  #sent = 0;
  #isAlive = true;

  constructor(options: FuzzOptions, server: ServerProcess) {
    this.#options = options;
    this.#server = server;
    this.#client = createLoadClient(server.address, clients);
  }

  close(): void {
    this.#client.close();
  }

  async run(): Promise<FuzzReport> {
    const { count, seed } = this.#options;
    const dice = new Dice(seededRandom(seed));
    const startMs = systemClock.monotonicMs();
    const history: FuzzMemory[] = [];
    await this.#prepare();
    while (this.#sent < count && !this.#isOver) {
      await this.#burst(dice, Math.min(count, this.#sent + Math.min(sweepEvery, Math.ceil(count / 5))));
      if (this.#sent === count) break;
      await this.#sweep();
      await this.#prepare();
      const memory = await this.#memory();
      history.push(memory);
      this.#options.onProgress({ ...memory, findings: this.#findings.size });
    }
    const tookMs = systemClock.monotonicMs() - startMs;
    const objectsChecked = this.#isOver ? 0 : await this.#checkObjects();
    if (!this.#isOver) await this.#sweep();
    const end = await this.#quietMemory();
    const after = (share: number): FuzzMemory => history.find(({ sent }) => sent >= count * share) ?? end;
    const memory = { fifth: after(1 / 5), middle: after(1 / 2), end };
    this.#judge(memory);
    return { sent: this.#sent, perSecond: (this.#sent / tookMs) * 1000, byStatus: this.#byStatus, findings: [...this.#findings.values()], objectsChecked, memory };
  }

  get #isOver(): boolean {
    return this.#findings.size >= this.#options.maxFindings || !this.#isAlive;
  }

  async #burst(dice: Dice, until: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, async () => {
      while (this.#sent < until && !this.#isOver) {
        this.#sent++;
        await this.#try(generateRequest(dice, this.#kinds));
      }
    }));
  }

  /** What most requests need to get further than the first check. */
  async #prepare(): Promise<void> {
    await this.#client.send({ method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: fuzzDefinition });
    await this.#client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'fuzz' } } });
    for (const namespace of ['default', 'kube-system', 'fuzz']) {
      await this.#client.send({ method: 'POST', path: `/api/v1/namespaces/${namespace}/serviceaccounts`, body: { metadata: { name: 'default' } } });
    }
  }

  async #memory(): Promise<FuzzMemory> {
    const { heldBytes, residentBytes } = this.#isAlive ? await this.#server.memory() : { heldBytes: 0, residentBytes: 0 };
    return { sent: this.#sent, heldMiB: heldBytes / 2 ** 20, residentMiB: residentBytes / 2 ** 20 };
  }

  /** When the server has had time to forget the past that it keeps for watches, and to give back what it used. */
  async #quietMemory(): Promise<FuzzMemory> {
    if (!this.#isOver) await systemClock.sleep(quietMs);
    return this.#memory();
  }

  #judge({ fifth, end }: FuzzReport['memory']): void {
    const request: FuzzRequest = { method: '', path: '', what: 'memory' };
    const mayHoldMiB = fifth.heldMiB + growthMiB;
    if (end.heldMiB > mayHoldMiB) this.#find('memory grew', request, `${fifth.heldMiB.toFixed(0)} MiB held became ${end.heldMiB.toFixed(0)} MiB`);
    const mayTakeMiB = end.heldMiB + overheadMiB;
    if (end.residentMiB > mayTakeMiB) this.#find('memory was not given back', request, `${end.heldMiB.toFixed(0)} MiB are held, ${end.residentMiB.toFixed(0)} MiB are resident`);
  }

  async #try(request: FuzzRequest): Promise<LoadAnswer | undefined> {
    const late = new AbortController();
    try {
      const answer = await Promise.race([
        this.#client.send(request),
        systemClock.sleep(requestMs, late.signal).then(() => Promise.reject(new Error(`no answer in ${requestMs / 1000} s`))),
      ]);
      this.#byStatus[answer.status] = (this.#byStatus[answer.status] ?? 0) + 1;
      if ((answer.status >= 500 && !upstreamFails.test(answer.body.toString())) || answer.status < 100) this.#find(`status ${answer.status}`, request, answer.body.toString());
      return answer;
    } catch (error) {
      const why = this.#server.ended();
      if (why?.startsWith('the API server ended') === true) this.#isAlive = false;
      this.#find('no answer', request, why ?? (error as Error).message);
      return undefined;
    } finally {
      late.abort();
    }
  }

  /** One finding per kind of request and message: the rest is the same fault. */
  #find(what: string, request: FuzzRequest, answer: string): void {
    const key = `${what} ${messageOf(answer)}`;
    if (this.#findings.has(key)) return;
    const body = request.body === undefined ? '' : request.body instanceof Uint8Array ? `base64:${Buffer.from(request.body).toString('base64')}` : typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    this.#findings.set(key, {
      what: `${what}: ${request.what}`,
      request: `${request.method} ${request.path} ${JSON.stringify(request.headers ?? {})} ${body.slice(0, 2_000)}`,
      answer: `${answer.slice(0, 600)}\n${this.#server.lastSaid().slice(-1_500)}`,
    });
  }

  /** Every object that was accepted must be one that the server itself accepts: a PUT of what it shows changes nothing. */
  async #checkObjects(): Promise<number> {
    let checked = 0;
    for (const kind of this.#kinds) {
      const { verbs } = kind;
      if (!verbs.includes('list') || !verbs.includes('update')) continue;
      const list = await this.#client.send({ method: 'GET', path: collectionPath(kind, '') }, { keepBody: true });
      if (list.status !== 200) continue;
      const { items } = JSON.parse(list.body.toString()) as { readonly items: readonly ListedObject[] };
      for (const item of items) {
        const { namespace = '', name } = item.metadata;
        const request: FuzzRequest = {
          what: `read back ${kind.kind}`, method: 'PUT', path: `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`, body: { ...item, apiVersion: kind.apiVersion, kind: kind.kind },
        };
        const answer = await this.#try(request);
        // 409: a controller-like part of the server wrote meanwhile.
        if (answer !== undefined && answer.status !== 200 && answer.status !== 409) this.#find('an accepted object is refused', request, answer.body.toString());
        checked++;
      }
    }
    return checked;
  }

  /** Removes what requests have left: finalizers first, then the objects. */
  async #sweep(): Promise<void> {
    for (const kind of this.#kinds) {
      if (!kind.verbs.includes('deletecollection') || kind.kind === 'Namespace') continue;
      const list = await this.#client.send({ method: 'GET', path: collectionPath(kind, '') }, { keepBody: true });
      if (list.status !== 200) continue;
      const { items } = JSON.parse(list.body.toString()) as { readonly items: readonly ListedObject[] };
      for (const { metadata: { namespace = '', name, finalizers } } of items) {
        if (kind.scope === 'Cluster' && (name.startsWith('system') || kind.group === 'flowcontrol.apiserver.k8s.io' || name === 'fuzzes.fuzz.example.com')) continue;
        const path = `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
        if (finalizers !== undefined) await this.#client.send({ method: 'PATCH', path, body: { metadata: { finalizers: null } }, headers: { 'content-type': 'application/merge-patch+json' } });
        await this.#client.send({ method: 'DELETE', path: `${path}?gracePeriodSeconds=0` });
      }
    }
  }
}

interface ListedObject {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly finalizers?: readonly string[] };
}

/** The text that tells faults apart: without what differs from request to request. */
function messageOf(answer: string): string {
  const found = /"message":"((?:[^"\\]|\\.)*)"/.exec(answer);
  return (found?.[1] ?? answer).replaceAll(/\\"(?:[^"\\]|\\[^"])*\\"/g, '""').replaceAll(/\d+/g, '0').slice(0, 160);
}
