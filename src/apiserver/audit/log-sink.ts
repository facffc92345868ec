import { createReadStream, createWriteStream } from 'node:fs';
import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { AuditSink } from './audit.ts';
import type { AuditMetrics } from './audit-metrics.ts';
import { Batches } from './batch.ts';
import { legacyLine } from './legacy-line.ts';
import type { AuditLogSettings } from './settings.ts';
import { truncated } from './truncate.ts';

export interface SinkDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AuditMetrics;
}

/** Events into a file, a line each, or onto standard output. */
export function logSink(settings: AuditLogSettings, { clock, log, metrics }: SinkDependencies): AuditSink {
  const file = new LogFile(settings, clock);
  const batches = new Batches<string>(settings.batch, clock, async (lines) => {
    await file.write(lines.join('')).catch((error: unknown) => {
      metrics.lost('log', lines.length);
      log.error({ error, file: settings.path }, 'audit events could not be written');
    });
  });
  return {
    name: 'log',
    isStrict: settings.mode === 'blocking-strict',
    take(event) {
      const shown = settings.truncation === undefined ? event : truncated(event, settings.truncation);
      if (shown === undefined) throw new Error('the event is too large');
      const line = `${settings.format === 'json' ? JSON.stringify(shown) : legacyLine(shown)}\n`;
      if (settings.mode !== 'batch') return file.write(line);
      if (!batches.add(line)) throw new Error('the buffer is full');
      return undefined;
    },
    async close() {
      await batches.flush();
      await file.settled();
    },
  };
}

/** A file that is put aside when it has grown too large. What is written while a write is under way goes together. */
class LogFile {
  readonly #settings: AuditLogSettings;
  readonly #clock: Clock;
  #pending = '';
  #next: Promise<void> | undefined;
  #bytes: number | undefined;

  constructor(settings: AuditLogSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  write(text: string): Promise<void> {
    this.#pending += text;
    this.#next ??= this.#last.then(() => this.#writePending());
    return this.#next;
  }

  async settled(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#last;
  }

  #last: Promise<void> = Promise.resolve();

  #writePending(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    this.#next = undefined;
    const done = this.#append(text);
    this.#last = done.catch(() => {});
    return done;
  }

  async #append(text: string): Promise<void> {
    const { path, maxBytes } = this.#settings;
    if (path === '-') {
      await new Promise<void>((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
      return;
    }
    if (this.#bytes === undefined) {
      await mkdir(dirname(path), { recursive: true, mode: 0o744 });
      this.#bytes = await stat(path).then(({ size }) => size, () => 0);
    }
    const length = Buffer.byteLength(text);
    if (maxBytes > 0 && this.#bytes > 0 && this.#bytes + length > maxBytes) await this.#putAside();
    await appendFile(path, text, { mode: 0o600 });
    this.#bytes = (this.#bytes ?? 0) + length;
  }

  async #putAside(): Promise<void> {
    const { path, compresses } = this.#settings;
    const extension = extname(path);
    const stamp = new Date(this.#clock.nowMs()).toISOString().slice(0, -1).replaceAll(':', '-');
    const backup = `${path.slice(0, path.length - extension.length)}-${stamp}${extension}`;
    await rename(path, backup);
    this.#bytes = 0;
    if (compresses) {
      await pipeline(createReadStream(backup), createGzip(), createWriteStream(`${backup}.gz`, { mode: 0o600 }));
      await rm(backup);
    }
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const { path, maxAgeDays, maxBackups } = this.#settings;
    const extension = extname(path);
    const start = `${basename(path, extension)}-`;
    const directory = dirname(path);
    const backups = (await readdir(directory)).filter((name) => name.startsWith(start) && name !== basename(path) && /\d{4}-\d\d-\d\dT/.test(name)).sort().reverse();
    const oldest = maxAgeDays === 0 ? '' : `${start}${new Date(this.#clock.nowMs() - maxAgeDays * 86_400_000).toISOString().slice(0, -1).replaceAll(':', '-')}`;
    for (const [index, name] of backups.entries()) if ((maxBackups > 0 && index >= maxBackups) || name < oldest) await rm(join(directory, name), { force: true });
  }
}
