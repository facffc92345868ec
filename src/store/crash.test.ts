import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#base/clock.ts';
import { seededRandom, systemRandom, type Random } from '#base/random.ts';
import { crashOperation, operationOf, writersInProcess } from './crash-operation.ts';
import { openSqliteStore } from './sqlite.ts';
import type { Store, StoreChange, StoreEntry, StoreWrite } from './store.ts';

/** Kills in all; half of them on a file that keeps its history, half on one that is compacted all the time. */
const kills = process.env['SKIFF_TEST_QUICK'] === '1' ? 20 : 200;
const seed = Number(process.env['SKIFF_TEST_SEED'] ?? 1);

for (const [title, retainedRevisions] of [['with its history', 1_000_000], ['under constant compaction', 30]] as const) {
  void test(`a store ${title} keeps every acknowledged write when its process is killed, and no half of one`, { timeout: 180_000 }, async (context) => {
    const directory = await mkdtemp(join(tmpdir(), 'skiff-crash-'));
    const random = seededRandom(seed + retainedRevisions);
    const lane = { file: join(directory, 'store.db'), retainedRevisions, head: 1, state: new Map<string, StoreEntry>() };
    let acknowledged = 0;
    try {
      for (let round = 0; round < kills / 2; round++) {
        const acks = await writeAndKill(lane, round, random);
        await check(lane, round, acks);
        acknowledged += acks.length;
      }
      context.diagnostic(`${kills / 2} kills (seed ${seed}), ${acknowledged} acknowledged writes found again`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

interface Lane {
  readonly file: string;
  readonly retainedRevisions: number;
  /** What was found after the last kill. */
  head: number;
  state: Map<string, StoreEntry>;
}

interface Acknowledged {
  readonly n: number;
  readonly revision: number;
}

/** Lets a process write and kills it: at any time from its start on, or after some acknowledged writes. */
async function writeAndKill(lane: Lane, round: number, random: Random): Promise<Acknowledged[]> {
  const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [writer, lane.file, String(round), String(lane.retainedRevisions)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Most of a start is the stripping of types; the writers leave its results to each other.
    env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(lane.file), 'compiled') },
  });
  const kill = (): boolean => child.kill('SIGKILL');
  const killAfterLines = random.next() < 0.7 ? 1 + Math.floor(random.next() ** 2 * 500) : Infinity;
  if (killAfterLines === Infinity) systemClock.after(random.next() * 250, kill);
  let output = '';
  let lines = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    lines += text.split('\n').length - 1;
    if (lines >= killAfterLines) kill();
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, by) => resolve(by)));
  assert.equal(signal, 'SIGKILL', 'the writer ran until it was killed');
  // What stands behind the last line end was not reported in full.
  return output.split('\n').slice(0, -1).map((line) => {
    const [n, revision] = line.split(' ').map(Number);
    return { n: n ?? -1, revision: revision ?? -1 };
  });
}

async function check(lane: Lane, round: number, acks: readonly Acknowledged[]): Promise<void> {
  const store = await openSqliteStore({ file: lane.file, clock: systemClock, random: systemRandom, retention: { revisions: lane.retainedRevisions } });
  try {
    const { entries, revision } = await store.range('');
    const state = new Map(entries.map((entry) => [entry.key, entry]));
    checkState(round, { acks, state, head: revision });
    if ((await store.compactedRevision()) <= lane.head) {
      const changes = await changesSince(store, lane.head, revision);
      checkLog(round, { acks, changes, head: lane.head });
      assert.deepEqual(replay(lane.state, changes), state, 'the state is what the log says');
    }
    lane.head = revision;
    lane.state = state;
  } finally {
    await store.close();
  }
}

/** What must be true of the newest state alone. */
function checkState(round: number, found: { readonly acks: readonly Acknowledged[]; readonly state: ReadonlyMap<string, StoreEntry>; readonly head: number }): void {
  const { acks, state, head } = found;
  const newest = new Map<string, Acknowledged>();
  const unacknowledged = underWay(acks).map((n) => crashOperation(round, n));
  for (const ack of acks) {
    assert.ok(ack.revision <= head, `revision ${ack.revision} was acknowledged, the store is at ${head}`);
    for (const { key } of crashOperation(round, ack.n)) {
      if (ack.revision > (newest.get(key)?.revision ?? 0)) newest.set(key, ack);
    }
  }
  for (const [key, ack] of newest) {
    const entry = state.get(key);
    const value = crashOperation(round, ack.n)[0]?.value;
    // A later write that was not acknowledged may have been done.
    if (entry === undefined) assert.ok(value === undefined || unacknowledged.some((writes) => isDeleteOf(writes, key)), `${key} is lost`);
    else assert.ok(entry.modRevision >= ack.revision, `${key} is older than acknowledged`);
    if (entry?.modRevision === ack.revision) assert.deepEqual(entry.value, value);
  }
  for (const entry of state.values()) {
    const operation = operationOf(entry.value);
    const writes = crashOperation(operation.round, operation.n);
    assert.deepEqual(entry.value, writes.find((write) => write.key === entry.key)?.value, `${entry.key} has a value nobody wrote`);
    for (const { key } of writes) assert.equal(state.get(key)?.modRevision, entry.modRevision, 'a transaction is whole');
  }
}

/** The writes that the killed process may have begun but not reported. */
function underWay(acks: readonly Acknowledged[]): number[] {
  const reported = new Set(acks.map((ack) => ack.n));
  const last = Math.max(-1, ...reported) + writersInProcess;
  return Array.from({ length: last + 1 }, (_, n) => n).filter((n) => !reported.has(n));
}

function isDeleteOf(writes: readonly StoreWrite[], key: string): boolean {
  return writes.some((write) => write.key === key && write.value === undefined);
}

/** Every acknowledged write is in the log at its revision, and every revision of the log is a whole write. */
function checkLog(round: number, found: { readonly acks: readonly Acknowledged[]; readonly changes: readonly StoreChange[]; readonly head: number }): void {
  const byRevision = Map.groupBy(found.changes, (change) => change.revision);
  for (const { n, revision } of found.acks) {
    if (revision === 0) continue;
    const writes = crashOperation(round, n).map(({ key, value }) => [key, value]);
    const changes = byRevision.get(revision)?.map((change) => [change.key, change.entry?.value]);
    assert.deepEqual(changes, writes, `write ${n} was acknowledged with revision ${revision}`);
  }
  let expected = found.head;
  for (const [revision, changes] of byRevision) {
    assert.equal(revision, ++expected, 'revisions have no gaps');
    const value = changes[0]?.entry?.value;
    if (value === undefined) assert.equal(changes.length, 1);
    else assert.equal(changes.length, crashOperation(round, operationOf(value).n).length, 'a transaction is whole');
  }
}

function replay(state: ReadonlyMap<string, StoreEntry>, changes: readonly StoreChange[]): Map<string, StoreEntry> {
  const next = new Map(state);
  for (const { key, entry } of changes) {
    if (entry === undefined) next.delete(key);
    else next.set(key, entry);
  }
  return new Map([...next].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

async function changesSince(store: Store, afterRevision: number, untilRevision: number): Promise<StoreChange[]> {
  const changes: StoreChange[] = [];
  if (afterRevision === untilRevision) return changes;
  for await (const batch of store.watch('', { afterRevision, signal: new AbortController().signal })) {
    changes.push(...batch.changes);
    if (batch.revision >= untilRevision) break;
  }
  return changes;
}
