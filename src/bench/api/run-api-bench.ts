import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { EtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import type { BenchRow } from '../bench-row.ts';
import type { ProcessUsage } from '../process-usage.ts';
import { usageOf } from '../process-usage.ts';
import type { LoadClient, LoadRequest } from '../http-load.ts';
import { createLoadClient, runLoad } from '../http-load.ts';
import { configMap, lease, leasesPath, namespacePath, pod, podStatusPatch } from './bodies.ts';
import type { CpuRow, OtherRow } from './goals.ts';
import { cpuGoals, otherGoals } from './goals.ts';
import type { ServerProcess, StoreName } from './server-process.ts';
import { startServerProcess } from './server-process.ts';
import { createWatched, openWatchers } from './watch-load.ts';

export interface ApiBenchOptions {
  readonly store: StoreName;
  /** A fifth of everything. */
  readonly isQuick: boolean;
  /** Only rows whose name contains one of these. */
  readonly only: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Hears of every row as soon as it is known. */
  readonly onRow: (row: BenchRow) => void;
}

const clients = 16;
const rowMaxMs = 15_000;
const idleMs = 5_000;

/** Runs all rows against servers of its own. Throws when a request fails: a wrong answer must not look fast. */
export async function runApiBench(options: ApiBenchOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-bench-'));
  const etcd = options.store === 'etcd' ? await startEtcd() : undefined;
  try {
    const place = etcd?.endpoints.join(',') ?? directory;
    const startedMs = systemClock.monotonicMs();
    const server = await startServerProcess({ store: options.store, place, ...(options.nodeFlags !== undefined && { nodeFlags: options.nodeFlags }) });
    const startMs = systemClock.monotonicMs() - startedMs;
    const bench = new ApiBench(options, server, [server.pid, ...(etcd?.pids ?? [])]);
    try {
      await bench.run(startMs);
    } finally {
      bench.close();
      await server.close();
    }
  } finally {
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** One member that writes through to disk, counted into what the server uses. */
async function startEtcd(): Promise<EtcdCluster> {
  const { etcdMissing, startEtcdCluster } = await import('#store/etcd/etcd-member.fixture.ts');
  if (etcdMissing !== false) throw new Error(etcdMissing);
  return startEtcdCluster({ members: 1, isDurable: true });
}

class ApiBench {
  readonly #options: ApiBenchOptions;
  readonly #server: ServerProcess;
  readonly #pids: readonly number[];
  readonly #client: LoadClient;
  #pods = 0;
  #configMaps = 0;

  constructor(options: ApiBenchOptions, server: ServerProcess, pids: readonly number[]) {
    this.#options = options;
    this.#server = server;
    this.#pids = pids;
    this.#client = createLoadClient(server.address, clients);
  }

  close(): void {
    this.#client.close();
  }

  async run(startMs: number): Promise<void> {
    const scale = this.#options.isQuick ? 0.2 : 1;
    const many = (count: number): number => Math.round(count * scale);
    this.#value('start to /readyz, cold', startMs / 1000);
    await this.#ok({ method: 'GET', path: '/readyz' });
    await this.#idle();

    await this.#createConfigMaps(many(5_000));
    await this.#createPods(many(2_500));
    const { ok } = this;
    await this.#row('GET configmap, 16 clients', many(10_000), (index) => ok({ method: 'GET', path: `${namespacePath}/configmaps/load-${index % this.#configMaps}` }));
    await this.#row('GET pod, 16 clients', many(10_000), (index) => ok({ method: 'GET', path: `${namespacePath}/pods/load-${index % this.#pods}` }));
    await this.#row('GET pod rv=0, 16 clients', many(10_000), (index) => ok({ method: 'GET', path: `${namespacePath}/pods/load-${index % this.#pods}?resourceVersion=0` }));
    await this.#writes(many);
    await this.#watches('WATCH, 100 watchers at 200 writes/s', 100, this.#options.isQuick ? 2 : 5);
    await this.#watches('WATCH, 1,000 watchers at 200 writes/s', 1_000, this.#options.isQuick ? 2 : 5);
    await this.#lists(many);
  }

  async #writes(many: (count: number) => number): Promise<void> {
    const { ok } = this;
    const path = (index: number): string => `${namespacePath}/configmaps/load-${index % this.#configMaps}`;
    await this.#row('PUT configmap', many(4_000), (index) => ok({ method: 'PUT', path: path(index), body: configMap(index % this.#configMaps, 'y') }));
    await this.#row('merge PATCH configmap', many(4_000), (index) => ok({
      method: 'PATCH', path: path(index), body: { data: { patched: String(index) } }, headers: { 'content-type': 'application/merge-patch+json' },
    }));
    await this.#row('server-side apply configmap', many(4_000), (index) => ok({
      method: 'PATCH', path: `${path(index)}?fieldManager=bench&force=true`, body: configMap(index % this.#configMaps, 'z'), headers: { 'content-type': 'application/apply-patch+yaml' },
    }));
    // Who renews a lease says which version of it he knows: the server insists.
    const leases = Array.from({ length: 100 }, () => '');
    const renew = async (index: number): Promise<void> => {
      const at = index % leases.length;
      const known = leases[at] ?? '';
      const body = lease(at, systemClock.nowMs() + index, known);
      const answer = await this.#answered(known === '' ? { method: 'POST', path: leasesPath, body } : { method: 'PUT', path: `${leasesPath}/load-${at}`, body });
      leases[at] = /"resourceVersion":"(\d+)"/.exec(answer.toString('latin1'))?.[1] ?? '';
    };
    for (const at of leases.keys()) await renew(at);
    await this.#row('PUT lease', many(4_000), renew);
    await this.#row('strategic merge PATCH pod status', many(2_500), (index) => ok({
      method: 'PATCH', path: `${namespacePath}/pods/load-${index % this.#pods}/status`, body: podStatusPatch(index), headers: { 'content-type': 'application/strategic-merge-patch+json' },
    }));
  }

  async #lists(many: (count: number) => number): Promise<void> {
    await this.#keepPods(1_000);
    const list = (accept: string, headers: Readonly<Record<string, string>> = {}) => async (): Promise<void> => {
      const answer = await this.#client.send({ method: 'GET', path: `${namespacePath}/pods`, headers: { accept, ...headers } });
      const type = String(answer.headers['content-type'] ?? '');
      if (answer.status !== 200 || !accept.startsWith(type.split(';', 1)[0] ?? '-')) throw new UnservedError(`${answer.status} ${type}`);
    };
    await this.#row('LIST 1,000 pods, JSON', many(100), list('application/json'), 2);
    await this.#row('LIST 1,000 pods, gzip', many(50), list('application/json', { 'accept-encoding': 'gzip' }), 2);
    await this.#row('LIST 1,000 pods, protobuf', many(50), list('application/vnd.kubernetes.protobuf'), 2);
    await this.#row('LIST 1,000 pods, Table', many(50), list('application/json;as=Table;v=v1;g=meta.k8s.io'), 2);
    if (!this.#isWanted('5,000 pods')) return;
    await this.#keepPods(5_000);
    const before = usageOf(this.#pids).residentBytes;
    let peak = before;
    const watching = new AbortController();
    const watch = (async () => {
      while (!watching.signal.aborted) {
        peak = Math.max(peak, usageOf(this.#pids).residentBytes);
        await systemClock.sleep(5);
      }
    })();
    await this.#row('LIST 5,000 pods, JSON', many(20), list('application/json'), 1);
    watching.abort();
    await watch;
    this.#value('memory for LIST 5,000 pods', (peak - before) / 1e6);
  }

  /** Sees to it that there are exactly so many pods. */
  async #keepPods(count: number): Promise<void> {
    const from = this.#pods;
    this.#pods = count;
    const { ok } = this;
    if (count > from) await runLoad({ count: count - from, clients, maxMs: 60_000 }, (index) => ok({ method: 'POST', path: `${namespacePath}/pods`, body: pod(from + index) }));
    else {
      await runLoad({ count: from - count, clients, maxMs: 60_000 }, (index) =>
        ok({ method: 'DELETE', path: `${namespacePath}/pods/load-${count + index}?gracePeriodSeconds=0` }));
    }
  }

  async #createConfigMaps(count: number): Promise<void> {
    this.#configMaps = count;
    const { ok } = this;
    await this.#row('CREATE configmap, 16 clients', count, (index) => ok({ method: 'POST', path: `${namespacePath}/configmaps`, body: configMap(index) }), clients, true);
  }

  async #createPods(count: number): Promise<void> {
    this.#pods = count;
    const { ok } = this;
    await this.#ok({ method: 'POST', path: `${namespacePath}/serviceaccounts`, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } });
    await this.#row('CREATE pod, 16 clients', count, (index) => ok({ method: 'POST', path: `${namespacePath}/pods`, body: pod(index) }), clients, true);
  }

  async #watches(name: CpuRow, watchers: number, seconds: number): Promise<void> {
    if (!this.#isWanted(name)) return;
    await createWatched(this.#client);
    const open = await openWatchers(this.#server.address, this.#client, { watchers, writesPerSecond: 200, seconds });
    try {
      const before = usageOf(this.#pids);
      const result = await open.run();
      this.#check();
      const lost = result.expected - result.delivered;
      const remark = `${result.cutOff} cut off${lost > 0 ? `, ${lost} of ${result.expected} events missing` : ''}`;
      this.#report(name, before, { ...result, count: result.delivered }, remark);
    } finally {
      open.close();
    }
  }

  async #idle(): Promise<void> {
    if (!this.#isWanted('idle')) return;
    await systemClock.sleep(1_000);
    const before = usageOf(this.#pids);
    await systemClock.sleep(idleMs);
    const after = usageOf(this.#pids);
    this.#value('CPU when idle', ((after.cpuMs - before.cpuMs) / idleMs) * 100);
    this.#value('resident memory, idle', after.residentBytes / 2 ** 20);
  }

  /** Measures so many operations, after some that are not counted. `alwaysRuns`: other rows need what it makes. */
  async #row(name: CpuRow, count: number, send: (index: number) => Promise<void>, underWay = clients, alwaysRuns = false): Promise<void> {
    if (!alwaysRuns && !this.#isWanted(name)) return;
    const warmUp = Math.ceil(count * 0.2);
    try {
      await runLoad({ count: warmUp, clients: underWay, maxMs: rowMaxMs }, send);
      const before = usageOf(this.#pids);
      // Objects are made once, so what creates goes on where the warm-up ended.
      const offset = alwaysRuns ? warmUp : 0;
      const result = await runLoad({ count: count - offset, clients: underWay, maxMs: rowMaxMs }, (index) => send(index + offset));
      this.#check();
      if (this.#isWanted(name)) this.#report(name, before, result);
    } catch (error) {
      if (!(error instanceof UnservedError)) throw error;
      this.#options.onRow({ name, unit: 'CPU-ms', ...cpuGoals[name], isMissed: true, residentMiB: usageOf(this.#pids).residentBytes / 2 ** 20, remark: `not served: ${error.message}` });
    }
  }

  #report(name: CpuRow, before: ProcessUsage, result: { readonly count: number; readonly tookMs: number; readonly p50Ms: number; readonly p99Ms: number }, remark?: string): void {
    const after = usageOf(this.#pids);
    const cpuMsPerOp = (after.cpuMs - before.cpuMs) / Math.max(1, result.count);
    this.#options.onRow({
      name, unit: 'CPU-ms', perSecond: (result.count / result.tookMs) * 1000, p50Ms: result.p50Ms, p99Ms: result.p99Ms, cpuMsPerOp,
      ...cpuGoals[name], isMissed: cpuMsPerOp > cpuGoals[name].goal, residentMiB: after.residentBytes / 2 ** 20, ...(remark !== undefined && { remark }),
    });
  }

  #value(name: OtherRow, value: number): void {
    if (!this.#isWanted(name)) return;
    const goal = otherGoals[name];
    this.#options.onRow({ name, value, ...goal, isMissed: value > goal.goal, residentMiB: usageOf(this.#pids).residentBytes / 2 ** 20 });
  }

  #isWanted(name: string): boolean {
    const { only } = this.#options;
    return only.length === 0 || only.some((each) => name.toLowerCase().includes(each.toLowerCase()));
  }

  #check(): void {
    const why = this.#server.ended();
    if (why !== undefined) throw new Error(why);
  }

  readonly ok = (request: LoadRequest): Promise<void> => this.#ok(request);

  async #ok(request: LoadRequest): Promise<void> {
    await this.#answered(request, false);
  }

  /** The body of the answer, where it is kept. Rejects with what the server said when it refused. */
  async #answered(request: LoadRequest, keepBody = true): Promise<Buffer> {
    const { status, body } = await this.#client.send(request, { keepBody });
    if (status >= 400) throw new Error(`${request.method} ${request.path} answered ${status}: ${body.toString().slice(0, 300)}`);
    return body;
  }
}

/** The server does not have this representation. */
class UnservedError extends Error {}
