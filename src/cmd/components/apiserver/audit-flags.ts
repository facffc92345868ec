/** A record of who did what. */
import { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Audit } from '#apiserver/audit/audit.ts';
import type { AuditLogSettings, AuditWebhookSettings, BatchSettings } from '#apiserver/audit/settings.ts';
import { AuditSettingsError, logBatch, webhookBatch } from '#apiserver/audit/settings.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { UserError } from '../../fail.ts';
import type { FlagGroup } from '../flags.ts';
import { choiceOption, durationOption, numberOption, switchOption, textOption } from '../flags.ts';

type Sink = 'Log' | 'Webhook';
type BatchFlags = {
  readonly [Name in Sink as `audit${Name}BatchBufferSize` | `audit${Name}BatchMaxSize` | `audit${Name}BatchMaxWait` | `audit${Name}BatchThrottleBurst` | `audit${Name}BatchThrottleQps` | `audit${Name}TruncateMaxEventSize` | `audit${Name}TruncateMaxBatchSize`]?: number;
} & { readonly [Name in Sink as `audit${Name}BatchThrottleEnable` | `audit${Name}TruncateEnabled`]?: boolean };

export interface AuditFlags extends BatchFlags {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxage: number;
  readonly auditLogMaxbackup: number;
  readonly auditLogMaxsize: number;
  readonly auditLogCompress: boolean;
  readonly auditLogFormat: string;
  readonly auditLogMode: string;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookMode: string;
  readonly auditWebhookInitialBackoff: number;
}

const modes = ['batch', 'blocking', 'blocking-strict'];

export const auditFlags: FlagGroup = {
  title: 'Audit:',
  options: [
    textOption('--audit-policy-file <file>', 'what is recorded: a Policy of audit.k8s.io'),
    textOption('--audit-log-path <file>', 'where to; "-" is standard output'),
    numberOption('--audit-log-maxage <days>', 'how long old files are kept; 0: for ever', 366),
    numberOption('--audit-log-maxbackup <count>', 'how many old files are kept; 0: all', 100),
    numberOption('--audit-log-maxsize <megabytes>', 'a file that grows beyond is put aside', 100),
    switchOption('--audit-log-compress', 'compress files that are put aside', false),
    choiceOption('--audit-log-format <format>', 'JSON, or a line of text each', ['json', 'legacy'], 'json'),
    choiceOption('--audit-log-mode <mode>', 'whether requests wait until their record is written', modes, 'blocking'),
    choiceOption('--audit-log-version <version>', 'version of records', ['audit.k8s.io/v1'], 'audit.k8s.io/v1'),
    ...batchOptions('log', logBatch),
    textOption('--audit-webhook-config-file <file>', 'a kubeconfig of the service that records are sent to'),
    choiceOption('--audit-webhook-mode <mode>', 'whether requests wait until their record is sent', modes, 'batch'),
    choiceOption('--audit-webhook-version <version>', 'version of records', ['audit.k8s.io/v1'], 'audit.k8s.io/v1'),
    durationOption('--audit-webhook-initial-backoff <duration>', 'pause before the first retry').default(10_000, '10s'),
    ...batchOptions('webhook', webhookBatch),
  ],
};

function batchOptions(sink: 'log' | 'webhook', { bufferSize, maxSize, maxWaitMs, throttle }: BatchSettings): Option[] {
  return [
    numberOption(`--audit-${sink}-batch-buffer-size <count>`, 'in mode batch: how many records wait at most', bufferSize),
    numberOption(`--audit-${sink}-batch-max-size <count>`, 'in mode batch: how many go at once', maxSize),
    durationOption(`--audit-${sink}-batch-max-wait <duration>`, 'in mode batch: how long a record waits for others').default(maxWaitMs, `${maxWaitMs / 1000}s`),
    switchOption(`--audit-${sink}-batch-throttle-enable`, 'in mode batch: whether sending is slowed down', throttle !== undefined),
    new Option(`--audit-${sink}-batch-throttle-qps <rate>`, 'in mode batch: batches a second').argParser(positiveNumber).default(throttle?.perSecond ?? 10),
    numberOption(`--audit-${sink}-batch-throttle-burst <count>`, 'in mode batch: batches at once', throttle?.burst ?? 15),
    switchOption(`--audit-${sink}-truncate-enabled`, 'cut records that are too large', false),
    numberOption(`--audit-${sink}-truncate-max-event-size <bytes>`, 'too large for a record', 102_400),
    numberOption(`--audit-${sink}-truncate-max-batch-size <bytes>`, 'too large for a batch', 10_485_760),
  ];
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It is a number above 0.');
  return value;
}

function batchOf(flags: AuditFlags, sink: Sink, initial: BatchSettings): BatchSettings {
  const isThrottled = flags[`audit${sink}BatchThrottleEnable`] ?? initial.throttle !== undefined;
  return {
    bufferSize: flags[`audit${sink}BatchBufferSize`] ?? initial.bufferSize,
    maxSize: flags[`audit${sink}BatchMaxSize`] ?? initial.maxSize,
    maxWaitMs: flags[`audit${sink}BatchMaxWait`] ?? initial.maxWaitMs,
    throttle: isThrottled ? { perSecond: flags[`audit${sink}BatchThrottleQps`] ?? 10, burst: flags[`audit${sink}BatchThrottleBurst`] ?? 15 } : undefined,
  };
}

function truncationOf(flags: AuditFlags, sink: Sink): { readonly maxEventBytes: number; readonly maxBatchBytes: number } | undefined {
  if (flags[`audit${sink}TruncateEnabled`] !== true) return undefined;
  return { maxEventBytes: flags[`audit${sink}TruncateMaxEventSize`] ?? 102_400, maxBatchBytes: flags[`audit${sink}TruncateMaxBatchSize`] ?? 10_485_760 };
}

/** Undefined: records go to no file. */
export function auditLogOf(flags: AuditFlags): AuditLogSettings | undefined {
  if (flags.auditLogPath === undefined) return undefined;
  return {
    path: flags.auditLogPath, maxAgeDays: flags.auditLogMaxage, maxBackups: flags.auditLogMaxbackup, maxBytes: flags.auditLogMaxsize * 1_048_576, compresses: flags.auditLogCompress,
    format: flags.auditLogFormat === 'legacy' ? 'legacy' : 'json', mode: flags.auditLogMode as AuditLogSettings['mode'],
    batch: batchOf(flags, 'Log', logBatch), truncation: truncationOf(flags, 'Log'),
  };
}

/** Undefined: records are sent nowhere. */
export function auditWebhookOf(flags: AuditFlags): AuditWebhookSettings | undefined {
  if (flags.auditWebhookConfigFile === undefined) return undefined;
  return {
    kubeconfig: flags.auditWebhookConfigFile, initialBackoffMs: flags.auditWebhookInitialBackoff, mode: flags.auditWebhookMode as AuditWebhookSettings['mode'],
    batch: batchOf(flags, 'Webhook', webhookBatch), truncation: truncationOf(flags, 'Webhook'),
  };
}

/** Undefined: nobody asks for audit. Throws a `UserError` for a policy that cannot be read. */
export async function openAuditOf(flags: AuditFlags, dependencies: { readonly clock: Clock; readonly random: Random; readonly log: Logger }): Promise<Audit | undefined> {
  const [log, webhook] = [auditLogOf(flags), auditWebhookOf(flags)];
  if (flags.auditPolicyFile === undefined || (log === undefined && webhook === undefined)) return undefined;
  const { openAudit } = await import('#apiserver/audit/open-audit.ts');
  try {
    return openAudit({ policyFile: flags.auditPolicyFile, log, webhook }, dependencies);
  } catch (error) {
    throw error instanceof AuditSettingsError ? new UserError(error.message, { cause: error.cause }) : error;
  }
}
