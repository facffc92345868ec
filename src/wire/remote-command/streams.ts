import type { Readable, Writable } from 'node:stream';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';

/** What exec and attach connect. */
export interface RemoteCommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** With a terminal there is no stderr of its own, and the client tells the terminal's size. */
  readonly tty: boolean;
}

/** Columns and rows. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The side that runs the command, whatever protocol the client came with. */
export interface RemoteCommandStreams {
  /** Present when asked for; ends when the client closes its stdin or goes away. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** The client's terminal: its size at the start and after each change. Ends with the connection. One reader. */
  readonly resizes: AsyncIterable<TerminalSize>;
  /** Aborts when the client goes away before the status was sent. */
  readonly signal: AbortSignal;
  /** Ends the outputs, tells the client how the command went and closes. Resolves when all that was handed over. */
  writeStatus(this: void, status: CommandStatus): Promise<void>;
  /** Ends everything at once, without a status. */
  close(this: void): void;
}

/** The side that wants a command run elsewhere. */
export interface RemoteCommandSession {
  /** `end()` closes the command's stdin. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Does nothing when there is no terminal. */
  resize(this: void, size: TerminalSize): void;
  /** How the command went. Never rejects: a lost connection is a failure too. The outputs may still have to be read. */
  readonly status: Promise<CommandStatus>;
  /** Ends everything at once. */
  close(this: void): void;
}

/** A Kubernetes Status as it closes an exec: as much of it as is used here. */
export interface CommandStatus {
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** The status of a command that has exited. */
export function exitStatus(code: number): CommandStatus {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** The status of a command that could not be run, or not to its end. */
export function failureStatus(message: string): CommandStatus {
  return { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
}

/** The exit code a status tells; undefined when the command did not come to exit. */
export function exitCodeOf(status: CommandStatus): number | undefined {
  if (status.status === 'Success') return 0;
  if (status.reason !== 'NonZeroExitCode') return undefined;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  return cause?.message === undefined ? undefined : Number(cause.message);
}

/** The text of the error channel. Anything but a Status is taken as the message of a failure. */
export function parseStatus(text: string): CommandStatus {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'status' in value) return value as CommandStatus;
  } catch {
    // Plain text: protocols before v4, and servers that fail early.
  }
  return failureStatus(text);
}

/**
 * What the query of an exec or attach asks for: `stdin`, `stdout`, `stderr`, `tty` as the API server has them, `input`,
 * `output`, `error` as the kubelet has them. Throws `UpgradeError` (400) when nothing is to be connected.
 */
export function remoteCommandOptions(query: URLSearchParams): RemoteCommandOptions {
  const isSet = (...names: readonly string[]): boolean =>
    names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = isSet('tty');
  const options = { stdin: isSet('stdin', 'input'), stdout: isSet('stdout', 'output'), stderr: !tty && isSet('stderr', 'error'), tty };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw new UpgradeError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return options;
}

/** The sizes in a resize stream: JSON objects one after the other. What cannot be read is skipped. */
export async function* terminalSizes(stream: Readable): AsyncIterable<TerminalSize> {
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('}');
    // An object is 30 bytes; what is longer than this is none.
    rest = (parts.pop() ?? '').slice(-1024);
    for (const part of parts) {
      const width = /"Width"\s*:\s*(\d+)/i.exec(part)?.[1];
      const height = /"Height"\s*:\s*(\d+)/i.exec(part)?.[1];
      if (width !== undefined && height !== undefined) yield { width: Number(width), height: Number(height) };
    }
  }
}

/** The opposite of `terminalSizes`, for one size. */
export function encodeSize(size: TerminalSize): string {
  return `${JSON.stringify({ Width: size.width, Height: size.height })}\n`;
}
