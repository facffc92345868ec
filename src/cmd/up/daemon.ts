/**
 * What `skiff up` starts in the background: the same as `up --foreground`, with the options as JSON in place of flags, so
 * that the process that stays neither loads nor keeps a command line. Progress goes to the parent by message.
 */
import { fail } from '../fail.ts';
import { keepHttpLean } from '#serving/lean-http.ts';
import type { UpOptions } from '../up.ts';

keepHttpLean();
// The clock's timers keep no process alive.
const keepAlive = new BroadcastChannel('skiff');
try {
  const { runForeground } = await import('./foreground.ts');
  await runForeground(JSON.parse(process.argv[2] ?? '{}') as UpOptions);
} catch (error) {
  fail(error);
} finally {
  keepAlive.close();
}
