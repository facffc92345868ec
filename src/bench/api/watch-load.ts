/** Many watchers, a steady stream of writes, and how long each event is under way. */
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '#base/clock.ts';
import type { LoadClient, Target } from '../http-load.ts';
import { percentiles } from '../http-load.ts';
import { namespacePath } from './bodies.ts';

export interface WatchPlan {
  readonly watchers: number;
  readonly writesPerSecond: number;
  readonly seconds: number;
}

export interface WatchResult {
  readonly delivered: number;
  readonly expected: number;
  readonly cutOff: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How many ConfigMaps the writes go to in turn. */
const objects = 50;
/** How long the last events may take to arrive. */
const patienceMs = 15_000;

export interface OpenWatchers {
  run(): Promise<WatchResult>;
  close(): void;
}

/** Opens the watchers, one connection each. `run` then writes and resolves when all events have come or patience is over. */
export async function openWatchers(target: Target, client: LoadClient, plan: WatchPlan): Promise<OpenWatchers> {
  const from = await client.send({ method: 'GET', path: `${namespacePath}/configmaps?limit=1` }, { keepBody: true });
  const { resourceVersion } = (JSON.parse(from.body.toString()) as { metadata: { resourceVersion: string } }).metadata;
  const watchers: Watcher[] = [];
  const opened: Promise<void>[] = [];
  for (let index = 0; index < plan.watchers; index++) {
    const watcher = new Watcher();
    watchers.push(watcher);
    opened.push(watcher.open(target, resourceVersion));
    // Handshakes all at once would only wait for each other.
    if (opened.length >= 32) await Promise.all(opened.splice(0));
  }
  await Promise.all(opened);
  return {
    run: () => runWatchers(client, watchers, plan),
    close: () => watchers.forEach((watcher) => watcher.close()),
  };
}

async function runWatchers(client: LoadClient, watchers: readonly Watcher[], plan: WatchPlan): Promise<WatchResult> {
  const writes = plan.writesPerSecond * plan.seconds;
  const startMs = systemClock.monotonicMs();
  const answers: Promise<unknown>[] = [];
  for (let index = 0; index < writes; index++) {
    const dueMs = startMs + (index * 1000) / plan.writesPerSecond;
    const waitMs = dueMs - systemClock.monotonicMs();
    if (waitMs > 1) await systemClock.sleep(waitMs);
    answers.push(write(client, index % objects));
  }
  await Promise.all(answers);
  const deadlineMs = systemClock.monotonicMs() + patienceMs;
  while (watchers.some((watcher) => watcher.isOpen && watcher.events < writes) && systemClock.monotonicMs() < deadlineMs) await systemClock.sleep(20);
  const tookMs = systemClock.monotonicMs() - startMs;
  const samples = watchers.flatMap((watcher) => watcher.delaysMs);
  const delivered = watchers.reduce((sum, watcher) => sum + watcher.events, 0);
  return { delivered, expected: writes * watchers.length, cutOff: watchers.filter((watcher) => !watcher.isOpen).length, tookMs, ...percentiles(samples) };
}

const timeKey = '"sentMs":"';

async function write(client: LoadClient, index: number): Promise<void> {
  const { status, body } = await client.send({
    method: 'PUT', path: `${namespacePath}/configmaps/watched-${index}`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `watched-${index}` }, data: { content: 'x'.repeat(850), sentMs: systemClock.monotonicMs().toFixed(3) } },
  });
  if (status >= 300) throw new Error(`a write answered ${status}: ${body.toString().slice(0, 300)}`);
}

/** The objects that are written to; made once. */
export async function createWatched(client: LoadClient): Promise<void> {
  for (let index = 0; index < objects; index++) {
    await client.send({ method: 'POST', path: `${namespacePath}/configmaps`, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `watched-${index}` } } });
  }
}

/** One watch on a connection of its own. It counts lines and reads times, and parses nothing: it must be cheaper than the server. */
class Watcher {
  events = 0;
  isOpen = false;
  readonly delaysMs: number[] = [];
  #socket: TLSSocket | undefined;
  /** The end of what came last, in which a time may have been cut. */
  #tail = '';

  open(target: Target, resourceVersion: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: target.port, ca: target.caPem, cert: target.certificatePem, key: target.privateKeyPem, ALPNProtocols: ['http/1.1'] }, () => {
        socket.write(`GET ${namespacePath}/configmaps?watch=true&resourceVersion=${resourceVersion} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
      });
      this.#socket = socket;
      socket.once('data', (head: Buffer) => {
        const text = head.toString('latin1');
        if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(`a watch answered ${text.slice(0, 200)}`));
        this.isOpen = true;
        const end = text.indexOf('\r\n\r\n');
        this.#take(head.subarray(end + 4));
        socket.on('data', (piece: Buffer) => this.#take(piece));
        resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => {
        this.isOpen = false;
        reject(new Error('a watch was closed before it began'));
      });
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(piece: Buffer): void {
    const nowMs = systemClock.monotonicMs();
    const text = this.#tail + piece.toString('latin1');
    let at = 0;
    for (;;) {
      const found = text.indexOf(timeKey, at);
      if (found < 0) break;
      const end = text.indexOf('"', found + timeKey.length);
      if (end < 0) {
        at = found;
        break;
      }
      this.events++;
      this.delaysMs.push(nowMs - Number(text.slice(found + timeKey.length, end)));
      at = end + 1;
    }
    this.#tail = text.slice(Math.max(at, text.length - 64));
  }
}
