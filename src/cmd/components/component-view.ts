import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import type { ZView } from '#serving/z-pages.ts';
import { flagTexts, reportedVersion } from './flags.ts';

/** What /statusz and /flagz of a component say. To be called before the command line is read. */
export function componentView(component: string, command: Command, paths: readonly string[]): () => ZView {
  const startedMs = systemClock.nowMs();
  const texts = flagTexts(command);
  return () => ({ component, version: reportedVersion(command.opts()), paths, startedMs, nowMs: systemClock.nowMs(), flags: texts() });
}

/** Of scheduler and controller manager. */
export const portPaths: readonly string[] = ['/debug/pprof/', '/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz'];
