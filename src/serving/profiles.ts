/**
 * `/debug/pprof/`: where a process spends its time and what it allocates, for `go tool pprof`; with `format=v8` for the
 * tools of Chrome (.cpuprofile, .heapprofile).
 *
 * Source: paths and parameters of Go's net/http/pprof, which Kubernetes' components serve.
 */
import type { Session } from 'node:inspector/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '#base/clock.ts';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import type { SampledHeap } from './pprof-format.ts';
import { cpuProfile, heapProfile } from './pprof-format.ts';

const prefix = '/debug/pprof/';
const usualSeconds = 30;
/** A profile is kept in memory until it is sent. */
const maxSeconds = 600;
/** As Go's profiler: a hundred times a second. */
const periodMicros = 10_000;
const periodBytes = 128 * 1024;

interface Kind {
  readonly name: string;
  readonly what: string;
  take(session: Session, wait: () => Promise<void>, isRaw: boolean): Promise<Uint8Array>;
}

function kindsOf(clock: Clock): readonly Kind[] {
  const timed = async (wait: () => Promise<void>): Promise<{ readonly startedMs: number; readonly durationMs: number }> => {
    const [startedMs, from] = [clock.nowMs(), clock.monotonicMs()];
    await wait();
    return { startedMs, durationMs: clock.monotonicMs() - from };
  };
  const heap = (which: 'inuse' | 'alloc'): Kind['take'] => async (session, wait, isRaw) => {
    const includesCollected = { includeObjectsCollectedByMajorGC: which === 'alloc', includeObjectsCollectedByMinorGC: which === 'alloc' };
    await session.post('HeapProfiler.startSampling', { samplingInterval: periodBytes, ...includesCollected });
    const taken = await timed(wait);
    const { profile } = await session.post('HeapProfiler.stopSampling');
    return isRaw ? asJson(profile) : heapProfile(profile as unknown as SampledHeap, { ...taken, periodBytes, which });
  };
  return [
    {
      name: 'profile', what: 'processor time',
      async take(session, wait, isRaw) {
        await session.post('Profiler.enable');
        await session.post('Profiler.setSamplingInterval', { interval: periodMicros });
        await session.post('Profiler.start');
        const taken = await timed(wait);
        const { profile } = await session.post('Profiler.stop');
        return isRaw ? asJson(profile) : cpuProfile(profile, { ...taken, periodMicros });
      },
    },
    { name: 'heap', what: 'what is allocated meanwhile and still there in the end', take: heap('inuse') },
    { name: 'allocs', what: 'what is allocated meanwhile', take: heap('alloc') },
  ];
}

/** What Go's runtime tells and a JavaScript engine has nothing like. */
const ofGo = new Set(['goroutine', 'threadcreate', 'block', 'mutex', 'trace']);
let isBusy = false;

/** Answers a path below `/debug/pprof/`. Who may ask is the caller's affair. One profile is taken at a time. */
export async function answerProfile(request: ServerRequest, response: ServerResponse, clock: Clock): Promise<void> {
  const name = request.path.slice(prefix.length);
  const kinds = kindsOf(clock);
  if (name === '') return send(response, 200, 'text/html; charset=utf-8', index(kinds));
  if (name === 'cmdline') return send(response, 200, 'text/plain; charset=utf-8', process.argv.join('\0'));
  if (name === 'symbol') return send(response, 200, 'text/plain; charset=utf-8', 'num_symbols: 0\n');
  const kind = kinds.find((each) => each.name === name);
  if (kind === undefined) {
    return ofGo.has(name) ? send(response, 501, plain, `there is no ${name} profile: this process is one thread of JavaScript\n`) : send(response, 404, plain, 'Unknown profile\n');
  }
  const query = new URLSearchParams(request.query);
  const seconds = Number(query.get('seconds') ?? usualSeconds);
  if (!(seconds > 0 && seconds <= maxSeconds)) return send(response, 400, plain, `seconds must be above 0 and at most ${maxSeconds}\n`);
  if (isBusy) return send(response, 500, plain, `Could not enable ${name} profiling: a profile is being taken already\n`);
  isBusy = true;
  const { Session: InspectorSession } = await import('node:inspector/promises');
  const session = new InspectorSession();
  try {
    session.connect();
    const isRaw = query.get('format') === 'v8';
    const bytes = await kind.take(session, () => clock.sleep(seconds * 1000, request.signal).catch(() => {}), isRaw);
    if (response.isOver) return;
    const extension = name === 'profile' ? 'cpuprofile' : 'heapprofile';
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-disposition': `attachment; filename="${isRaw ? `${name}.${extension}` : name}"`, 'x-content-type-options': 'nosniff' });
    response.end(isRaw ? bytes : await gzipped(bytes));
  } finally {
    session.disconnect();
    isBusy = false;
  }
}

const plain = 'text/plain; charset=utf-8';
const gzipped = promisify(gzip);

function asJson(profile: object): Uint8Array {
  return Buffer.from(JSON.stringify(profile));
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
  response.end(Buffer.from(text));
}

function index(kinds: readonly Kind[]): string {
  const rows = kinds.map(({ name, what }) => `<li><a href="${name}?seconds=10">${name}</a>: ${what}, for so many seconds (${usualSeconds}); <a href="${name}?seconds=10&amp;format=v8">for Chrome</a></li>\n`);
  return `<!doctype html>\n<title>/debug/pprof/</title>\n<h1>Profiles</h1>\n<ul>\n${rows.join('')}<li><a href="cmdline">cmdline</a>: how the process was started</li>\n</ul>\n<p>For <code>go tool pprof</code>; what is Go's own (${[...ofGo].join(', ')}) is not there.</p>\n`;
}
