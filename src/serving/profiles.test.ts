import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { decodeProtobuf } from '#apimachinery/protobuf.ts';
import type { HttpServer } from './http-server.ts';
import { createPlainServer } from './plain-server.ts';
import { Profile, cpuProfile, heapProfile } from './pprof-format.ts';
import { answerProfile } from './profiles.ts';

interface Decoded {
  readonly sampleType: readonly { readonly type: number; readonly unit: number }[];
  readonly sample: readonly { readonly locationId: readonly number[]; readonly value: readonly number[] }[];
  readonly location: readonly { readonly id: number; readonly line: readonly { readonly functionId: number; readonly line: number }[] }[];
  readonly function: readonly { readonly id: number; readonly name: number; readonly filename: number; readonly startLine: number }[];
  readonly stringTable: readonly string[];
  readonly durationNanos: number;
  readonly period: number;
}

/** `leaf file:line < caller: values` of each sample, as `go tool pprof -traces` reads it. */
function traces(bytes: Uint8Array): readonly string[] {
  const { sample, location, function: functions, stringTable } = decodeProtobuf(Profile, bytes) as unknown as Decoded;
  const nameOf = (id: number): string => {
    const line = location.find((each) => each.id === id)?.line[0];
    const found = functions.find((each) => each.id === line?.functionId);
    return `${stringTable[found?.name ?? 0]} ${stringTable[found?.filename ?? 0]}:${line?.line}`;
  };
  return sample.map(({ locationId, value }) => `${locationId.map(nameOf).join(' < ')}: ${value.join(' ')}`);
}

function typesOf(bytes: Uint8Array): readonly string[] {
  const { sampleType, stringTable } = decodeProtobuf(Profile, bytes) as unknown as Decoded;
  return sampleType.map(({ type, unit }) => `${stringTable[type]} ${stringTable[unit]}`);
}

const frame = (functionName: string, lineNumber: number): { functionName: string; scriptId: string; url: string; lineNumber: number; columnNumber: number } => ({ functionName, scriptId: '1', url: functionName.startsWith('(') ? '' : 'file:///src/a.ts', lineNumber, columnNumber: 0 });
const taken = { startedMs: Date.UTC(2026, 0, 1), durationMs: 40 };

test('a profile of the processor counts samples and time by their stacks, without waiting', () => {
  const bytes = cpuProfile({
    nodes: [{ id: 1, callFrame: frame('(root)', -1), children: [2, 4] }, { id: 2, callFrame: frame('outer', 9), children: [3] }, { id: 3, callFrame: frame('', 19) }, { id: 4, callFrame: frame('(idle)', -1) }],
    startTime: 0, endTime: 40_000, samples: [2, 3, 3, 4], timeDeltas: [0, 10_000, 10_000, 10_000],
  }, { ...taken, periodMicros: 10_000 });
  assert.deepEqual(typesOf(bytes), ['samples count', 'cpu nanoseconds']);
  assert.deepEqual(traces(bytes), ['outer /src/a.ts:10: 1 10000000', '(anonymous) /src/a.ts:20 < outer /src/a.ts:10: 2 20000000']);
  const { durationNanos, period } = decodeProtobuf(Profile, bytes) as unknown as Decoded;
  assert.deepEqual([durationNanos, period], [40_000_000, 10_000_000]);
});

test('a profile of the heap counts objects and bytes by their stacks', () => {
  const bytes = heapProfile({
    head: { id: 1, callFrame: frame('(root)', -1), selfSize: 0, children: [{ id: 2, callFrame: frame('make', 4), selfSize: 300, children: [{ id: 3, callFrame: frame('copy', 6), selfSize: 100, children: [] }] }] },
    samples: [{ nodeId: 2 }, { nodeId: 2 }, { nodeId: 3 }],
  }, { ...taken, periodBytes: 1024, which: 'inuse' });
  assert.deepEqual(typesOf(bytes), ['inuse_objects count', 'inuse_space bytes']);
  assert.deepEqual(traces(bytes), ['make /src/a.ts:5: 2 300', 'copy /src/a.ts:7 < make /src/a.ts:5: 1 100']);
});

const clock = new SimulatedClock();
let server: HttpServer;
let origin = '';
before(async () => {
  server = createPlainServer({ clock: systemClock, handler: (request, response) => answerProfile(request, response, clock) });
  origin = `http://127.0.0.1:${(await server.listen({ host: '127.0.0.1', port: 0 })).port}/debug/pprof/`;
});
after(() => server.close({ drainMs: 0 }));

/** Until the time of the profile runs. */
async function pass(seconds: number): Promise<void> {
  while (clock.nextDueMs() === undefined) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(seconds * 1000);
}

test('profiles are taken for as long as is asked, one at a time', async () => {
  const asked = fetch(`${origin}profile?seconds=5`);
  while (clock.nextDueMs() === undefined) await new Promise((resolve) => setImmediate(resolve));
  const second = await fetch(`${origin}heap?seconds=5`);
  assert.deepEqual([second.status, await second.text()], [500, 'Could not enable heap profiling: a profile is being taken already\n']);
  await pass(5);
  const answer = await asked;
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
  const bytes = gunzipSync(Buffer.from(await answer.arrayBuffer()));
  assert.deepEqual(typesOf(bytes), ['samples count', 'cpu nanoseconds']);
  assert.equal((decodeProtobuf(Profile, bytes) as unknown as Decoded).durationNanos, 5_000_000_000);
});

test('heap and allocs tell what was allocated meanwhile, for Chrome as well', async () => {
  for (const [name, type] of [['heap', 'inuse_space bytes'], ['allocs', 'alloc_space bytes']] as const) {
    const asked = fetch(`${origin}${name}?seconds=1`);
    await pass(1);
    assert.equal(typesOf(gunzipSync(Buffer.from(await (await asked).arrayBuffer())))[1], type);
  }
  const asked = fetch(`${origin}profile?seconds=1&format=v8`);
  await pass(1);
  const raw = await asked;
  assert.equal(raw.headers.get('content-disposition'), 'attachment; filename="profile.cpuprofile"');
  assert.ok(Array.isArray((await raw.json() as { readonly nodes: unknown }).nodes));
});

test('what is not there is said', async () => {
  const codeOf = async (path: string): Promise<number> => (await fetch(`${origin}${path}`)).status;
  assert.deepEqual([await codeOf('goroutine'), await codeOf('else'), await codeOf('profile?seconds=0'), await codeOf('profile?seconds=1e9')], [501, 404, 400, 400]);
  assert.match(await (await fetch(origin)).text(), /<a href="profile\?seconds=10">/);
  assert.equal(await (await fetch(`${origin}cmdline`)).text(), process.argv.join('\0'));
});
