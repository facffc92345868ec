import { renameSync, statSync } from 'node:fs';
import pino from 'pino';
import { StatusError } from '#apimachinery/status-error.ts';
import type { LogFields, Logger } from '#base/log.ts';
import { StoreError } from '#store/store.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  readonly level: LogLevel;
  /** Default: standard error. */
  readonly file?: string | undefined;
}

/** A log file is put aside (as `.1`, in place of the one before) when it has grown to this. */
const maxFileBytes = 16 * 1024 * 1024;

/** A log of JSON lines. Lines are written at once: those before a crash matter most. */
export function createLog({ level, file }: LogOptions): Logger {
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label: string) => ({ level: label }) }, serializers: { error: describeError } };
  const logger = pino.pino(settings, file === undefined ? pino.destination({ dest: 2, sync: true }) : boundedFile(file));
  return wrap(logger);
}

/** What a server answers or a store says is known and needs no stack; anything else may be a bug. */
function describeError(error: Error): object {
  if (error instanceof StatusError && error.code < 500) return { type: error.name, code: error.code, reason: error.reason, message: error.message };
  if (error instanceof StoreError) return { type: error.name, message: error.message };
  return pino.stdSerializers.errWithCause(error);
}

function wrap(logger: pino.Logger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields: LogFields) => wrap(logger.child(fields)),
  };
}

function boundedFile(file: string): pino.DestinationStream {
  const destination = pino.destination({ dest: file, sync: true, append: true, mkdir: true });
  let bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return {
    write(line) {
      destination.write(line);
      bytes += line.length;
      if (bytes < maxFileBytes) return;
      renameSync(file, `${file}.1`);
      destination.reopen();
      bytes = 0;
    },
  };
}
