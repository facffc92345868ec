/** What can be set about audit. Defaults are kube-apiserver's. */
export type AuditMode = 'batch' | 'blocking' | 'blocking-strict';

export interface BatchSettings {
  /** How many events wait at most; what is more is lost. */
  readonly bufferSize: number;
  readonly maxSize: number;
  readonly maxWaitMs: number;
  /** Undefined: as fast as it goes. */
  readonly throttle?: { readonly perSecond: number; readonly burst: number } | undefined;
}

export interface TruncationSettings {
  readonly maxEventBytes: number;
  readonly maxBatchBytes: number;
}

interface SinkSettings {
  readonly mode: AuditMode;
  readonly batch: BatchSettings;
  readonly truncation?: TruncationSettings | undefined;
}

export interface AuditLogSettings extends SinkSettings {
  /** `-`: standard output. */
  readonly path: string;
  readonly format: 'json' | 'legacy';
  /** 0: for ever. */
  readonly maxAgeDays: number;
  /** 0: all. */
  readonly maxBackups: number;
  readonly maxBytes: number;
  readonly compresses: boolean;
}

export interface AuditWebhookSettings extends SinkSettings {
  /** A file that says where the service is. */
  readonly kubeconfig: string;
  readonly initialBackoffMs: number;
}

export const logBatch: BatchSettings = { bufferSize: 10_000, maxSize: 1, maxWaitMs: 0 };
export const webhookBatch: BatchSettings = { bufferSize: 10_000, maxSize: 400, maxWaitMs: 30_000, throttle: { perSecond: 10, burst: 15 } };

/** Why audit cannot be as it was asked for; for whoever starts the server. */
export class AuditSettingsError extends Error {
  override readonly name = 'AuditSettingsError';
}
