/**
 * Profiles of V8 in the format of `go tool pprof`.
 *
 * Source: github.com/google/pprof, proto/profile.proto; Chrome DevTools Protocol, "Profiler.Profile" and
 * "HeapProfiler.SamplingHeapProfile".
 */
import type { Profiler, Runtime } from 'node:inspector';
import { encodeProtobuf } from '#apimachinery/protobuf.ts';
import { int64, list, pointer, struct } from '#apimachinery/schema.ts';

const ValueType = struct('perftools.profiles.ValueType', { type: int64(1), unit: int64(2) });
const Sample = struct('perftools.profiles.Sample', { locationId: list(1, 'int64'), value: list(2, 'int64') });
const Line = struct('perftools.profiles.Line', { functionId: int64(1), line: int64(2) });
const Location = struct('perftools.profiles.Location', { id: int64(1), line: list(4, Line) });
const FunctionMessage = struct('perftools.profiles.Function', { id: int64(1), name: int64(2), systemName: int64(3), filename: int64(4), startLine: int64(5) });
/** Texts are named by their place in the table. */
export const Profile = struct('perftools.profiles.Profile', {
  sampleType: list(1, ValueType),
  sample: list(2, Sample),
  location: list(4, Location),
  function: list(5, FunctionMessage),
  stringTable: list(6, 'string'),
  timeNanos: int64(9),
  durationNanos: int64(10),
  periodType: pointer(11, ValueType),
  period: int64(12),
});

/** A function with who called it, up to the root; and what was counted in it itself. */
interface Counted {
  readonly frame: Runtime.CallFrame;
  readonly caller: Counted | undefined;
  readonly values: readonly number[];
}

interface Description {
  /** Name and unit of each value of a sample. */
  readonly valueTypes: readonly (readonly [type: string, unit: string])[];
  /** Between two samples, in the unit of the last value. */
  readonly period: number;
  readonly startedMs: number;
  readonly durationMs: number;
}

export interface Taken {
  readonly startedMs: number;
  readonly durationMs: number;
}

/** What took processor time. Waiting is left out. */
export function cpuProfile({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, { periodMicros, ...taken }: Taken & { readonly periodMicros: number }): Uint8Array {
  const counts = new Map<number, number>();
  const micros = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
    // A delta is the time before its sample: what a sample stands for lasts until the next one.
    micros.set(id, (micros.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  }
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<number, Counted>();
  const counted = (id: number): Counted | undefined => {
    const known = found.get(id);
    const node = byId.get(id);
    if (known !== undefined || node === undefined) return known;
    const caller = callers.get(id);
    const made = { frame: node.callFrame, caller: caller === undefined ? undefined : counted(caller), values: [counts.get(id) ?? 0, (micros.get(id) ?? 0) * 1000] };
    found.set(id, made);
    return made;
  };
  const all = nodes.flatMap(({ id, callFrame }) => (counts.has(id) && callFrame.functionName !== '(idle)' ? (counted(id) ?? []) : []));
  return encode(all, { valueTypes: [['samples', 'count'], ['cpu', 'nanoseconds']], period: periodMicros * 1000, ...taken });
}

/** As V8 tells it; Node's types know less. */
export interface SampledHeap {
  readonly head: HeapNode;
  readonly samples: readonly { readonly nodeId: number }[];
}
interface HeapNode {
  readonly id: number;
  readonly callFrame: Runtime.CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

/** What was allocated: `inuse`, what of it is still there, or `alloc`, all of it. */
export function heapProfile({ head, samples }: SampledHeap, { periodBytes, which, ...taken }: Taken & { readonly periodBytes: number; readonly which: 'inuse' | 'alloc' }): Uint8Array {
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const all: Counted[] = [];
  const open: { readonly node: HeapNode; readonly caller: Counted | undefined }[] = [{ node: head, caller: undefined }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, caller } = next;
    const counted = { frame: node.callFrame, caller, values: [counts.get(node.id) ?? 0, node.selfSize] };
    if (node.selfSize > 0) all.push(counted);
    for (const child of node.children) open.push({ node: child, caller: counted });
  }
  return encode(all, { valueTypes: [[`${which}_objects`, 'count'], [`${which}_space`, 'bytes']], period: periodBytes, ...taken });
}

function encode(all: readonly Counted[], { valueTypes, period, startedMs, durationMs }: Description): Uint8Array {
  const texts = new Map<string, number>([['', 0]]);
  const text = (value: string): number => {
    const at = texts.get(value) ?? texts.size;
    texts.set(value, at);
    return at;
  };
  const typeOf = ([type, unit]: readonly [string, string]): object => ({ type: text(type), unit: text(unit) });
  const functions = new Map<string, { readonly id: number; readonly message: object; readonly line: number }>();
  const functionOf = ({ functionName, url, lineNumber }: Runtime.CallFrame): number => {
    const key = `${functionName} ${lineNumber} ${url}`;
    let known = functions.get(key);
    if (known === undefined) {
      const id = functions.size + 1;
      const name = text(functionName === '' ? '(anonymous)' : functionName);
      const line = Math.max(0, lineNumber + 1);
      known = { id, line, message: { id, name, systemName: name, filename: text(url.replace(/^file:\/\//, '')), startLine: line } };
      functions.set(key, known);
    }
    return known.id;
  };
  const sample = all.map((counted) => {
    const locationId: number[] = [];
    for (let at: Counted | undefined = counted; at !== undefined; at = at.caller) if (at.caller !== undefined || at === counted) locationId.push(functionOf(at.frame));
    return { locationId, value: counted.values };
  });
  const last = valueTypes.at(-1);
  const messages = { sampleType: valueTypes.map(typeOf), periodType: last === undefined ? undefined : typeOf(last) };
  return encodeProtobuf(Profile, {
    ...messages, sample,
    // A place in a function is the function: V8 counts by it.
    location: [...functions.values()].map(({ id, line }) => ({ id, line: [{ functionId: id, line }] })),
    function: [...functions.values()].map(({ message }) => message),
    stringTable: [...texts.keys()],
    timeNanos: Math.round(startedMs) * 1_000_000,
    durationNanos: Math.round(durationMs * 1_000_000),
    period,
  });
}
