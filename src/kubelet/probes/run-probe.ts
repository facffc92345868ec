import type { Container, ProbeHandler } from '#api/core/container.ts';
import { CriError } from '../cri/cri.ts';
import type { RuntimeService } from '../cri/cri.ts';
import type { NetworkProber, ProbeOutcome } from '../platform.ts';

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  /** The pod's address; that of the node for pods on its network. */
  readonly podIp: string;
  readonly timeoutSeconds: number;
}

/** More than this of a program's output does not go into an event. */
const maxOutput = 1024;

/** Runs a probe once. Never rejects: what goes wrong is a failure. */
export async function runProbe(handler: ProbeHandler, target: ProbeTarget, { runtime, prober }: { readonly runtime: RuntimeService; readonly prober: NetworkProber }): Promise<ProbeOutcome> {
  const timeoutMs = Math.max(1, target.timeoutSeconds) * 1000;
  try {
    if (handler.exec !== undefined) return await runCommand(handler.exec.command ?? [], target, runtime);
    if (handler.httpGet !== undefined) {
      const { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] } = handler.httpGet;
      const number = portOf(target.container, port);
      return await prober.http({
        host: host === undefined || host === '' ? target.podIp : host, port: number, path, scheme: scheme === 'HTTPS' ? 'https' : 'http', headers: httpHeaders, timeoutMs,
      });
    }
    if (handler.tcpSocket !== undefined) {
      const { port, host } = handler.tcpSocket;
      return await prober.tcp({ host: host === undefined || host === '' ? target.podIp : host, port: portOf(target.container, port), timeoutMs });
    }
    if (handler.grpc !== undefined) return await prober.grpc({ host: target.podIp, port: handler.grpc.port, service: handler.grpc.service ?? '', timeoutMs });
    return { result: 'failure', output: 'missing probe handler' };
  } catch (error) {
    return { result: 'failure', output: error instanceof Error ? error.message : String(error) };
  }
}

async function runCommand(command: readonly string[], target: ProbeTarget, runtime: RuntimeService): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, Math.max(1, target.timeoutSeconds));
    const output = Buffer.concat([stdout, stderr]).toString('utf8').slice(0, maxOutput);
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (error instanceof CriError && error.code === 'deadlineExceeded') {
      return { result: 'failure', output: `command timed out: "${command.join(' ')}" timed out after ${target.timeoutSeconds}s` };
    }
    throw error;
  }
}

/** A port by number or by the name the container gives it. Throws when there is no such name. */
export function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find((candidate) => candidate.name === port);
  if (named !== undefined) return named.containerPort;
  const number = Number(port);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`couldn't find port: ${port}`);
}
