/** How the process that starts a cluster tells the one that the user looks at what it does. */
import { systemClock } from '#base/clock.ts';
import { duration, paint } from '../terminal.ts';

export type StartMessage =
  | { readonly is: 'begun'; readonly step: string }
  | { readonly is: 'done'; readonly step: string; readonly remark: string; readonly tookMs: number }
  | { readonly is: 'ready'; readonly server: string }
  | { readonly is: 'failed'; readonly reason: string };

/** Sends what it is told to whoever started this process, or prints it where nobody did. */
export function stepReporter(): (message: StartMessage) => void {
  if (process.send !== undefined) {
    return (message) => {
      if (process.connected) process.send?.(message);
    };
  }
  return printMessage;
}

/** One line per finished step. */
export function printMessage(message: StartMessage): void {
  const { good, bad, dim } = paint(process.stderr);
  const line = (text: string): boolean => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${text}\n`);
  switch (message.is) {
    case 'begun':
      if (process.stderr.isTTY) process.stderr.write(`  ${message.step} ...`);
      return;
    case 'done':
      line(`${good('✓')} ${message.step}${message.remark === '' ? '' : `: ${message.remark}`} ${dim(`(${duration(message.tookMs)})`)}`);
      return;
    case 'failed':
      line(`${bad('✗')} ${message.reason.split('\n')[0] ?? ''}`);
      return;
    case 'ready':
  }
}

/** The `step` of a start: tells when it begins and ends. */
export function stepper(report: (message: StartMessage) => void): (name: string) => (remark?: string) => void {
  return (step) => {
    const startMs = systemClock.monotonicMs();
    report({ is: 'begun', step });
    return (remark = '') => report({ is: 'done', step, remark, tookMs: systemClock.monotonicMs() - startMs });
  };
}
