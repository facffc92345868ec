import type { Clock } from '#base/clock.ts';
import type { Container, LifecycleHandler } from '#api/core/container.ts';
import type { RuntimeService } from '../cri/cri.ts';
import type { NetworkProber } from '../platform.ts';
import { portOf } from '../probes/run-probe.ts';

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HookDependencies {
  readonly runtime: RuntimeService;
  readonly prober: NetworkProber;
  readonly clock: Clock;
}

/** Runs a postStart or preStop hook. Throws with a reason when it fails; what takes longer than its time is left alone. */
export async function runHook(handler: LifecycleHandler, target: HookTarget, { runtime, prober, clock }: HookDependencies): Promise<void> {
  const { exec, httpGet, sleep } = handler;
  if (exec !== undefined) {
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, exec.command ?? [], Math.ceil(target.timeoutMs / 1000), target.signal === undefined ? {} : { signal: target.signal });
    if (exitCode !== 0) throw new Error(`command '${(exec.command ?? []).join(' ')}' exited with ${exitCode}: ${Buffer.concat([stderr, stdout]).toString('utf8').slice(0, 512)}`);
  } else if (httpGet !== undefined) {
    const { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] } = httpGet;
    const outcome = await prober.http({
      host: host === undefined || host === '' ? target.podIp : host, port: portOf(target.container, port), path,
      scheme: scheme === 'HTTPS' ? 'https' : 'http', headers: httpHeaders, timeoutMs: target.timeoutMs,
    });
    if (outcome.result === 'failure') throw new Error(outcome.output);
  } else if (sleep !== undefined) {
    await clock.sleep(Math.min(sleep.seconds * 1000, target.timeoutMs), target.signal);
  } else {
    throw new Error('invalid handler');
  }
}
