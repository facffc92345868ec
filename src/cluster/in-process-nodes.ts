import type { Clock } from '#base/clock.ts';
import { StatusError, internalError, unavailable } from '#apimachinery/status-error.ts';
import type { NodeGateway } from '#apiserver/request/node-gateway.ts';
import type { ContainerTarget, KubeletHandle } from '#kubelet/kubelet-handle.ts';
import type { LogQuery } from '#kubelet/logs/log-query.ts';
import type { ServerRequest } from '#serving/exchange.ts';
import { acceptPortForward } from '#wire/port-forward/accept.ts';
import { portsIn } from '#wire/port-forward/accept-channels.ts';
import { acceptRemoteCommand } from '#wire/remote-command/accept.ts';
import { exitStatus, failureStatus, remoteCommandOptions } from '#wire/remote-command/streams.ts';

/** The way to kubelets in the same process: their handles, by node name. */
export function inProcessNodes(handleOf: (nodeName: string) => KubeletHandle | undefined, clock: Clock): NodeGateway {
  const find = (nodeName: string): KubeletHandle => {
    const handle = handleOf(nodeName);
    if (handle === undefined) throw unavailable(`the kubelet of node ${nodeName} does not answer`);
    return handle;
  };
  return {
    async get(nodeName, target, signal) {
      const { what, container, query } = parseTarget(target);
      if (what !== 'containerLogs') throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
      return { contentType: 'text/plain', body: await find(nodeName).containerLogs(container, logQuery(query, clock), signal) };
    },
    async upgrade(nodeName, target, request) {
      const handle = find(nodeName);
      const { what, container, query } = parseTarget(target);
      switch (what) {
        case 'exec':
        case 'attach':
          return runCommand(handle, what, container, query, request, clock);
        case 'portForward':
          return forwardPorts(handle, container, request, clock);
        default:
          throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
      }
    },
  };
}

/** `/exec/<namespace>/<pod>/<container>?command=...`, as the kubelet's server has it. */
function parseTarget(target: string): { readonly what: string; readonly container: ContainerTarget; readonly query: URLSearchParams } {
  const { pathname, searchParams } = new URL(target, 'https://kubelet');
  const [, what = '', namespace = '', pod = '', container] = pathname.split('/').map(decodeURIComponent);
  return { what, container: { namespace, pod, ...(container !== undefined && { container }) }, query: searchParams };
}

function logQuery(query: URLSearchParams, clock: Clock): LogQuery {
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  const is = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1';
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceSeconds !== undefined ? clock.nowMs() - sinceSeconds * 1000 : sinceTime !== null ? Date.parse(sinceTime) : undefined;
  const tailLines = number('tailLines');
  const limitBytes = number('limitBytes');
  return {
    follow: is('follow'), previous: is('previous'), timestamps: is('timestamps'),
    ...(tailLines !== undefined && { tailLines }), ...(limitBytes !== undefined && { limitBytes }), ...(sinceMs !== undefined && { sinceMs }),
  };
}

async function runCommand(
  handle: KubeletHandle, what: 'exec' | 'attach', container: ContainerTarget, query: URLSearchParams, request: ServerRequest, clock: Clock,
): Promise<void> {
  const options = remoteCommandOptions(query);
  const streams = await acceptRemoteCommand(request, options, { clock });
  const { stdin, stdout, stderr, resizes, signal } = streams;
  const sinkOf = (writable: typeof stdout) => (writable === undefined ? undefined : (chunk: Uint8Array): Promise<void> | undefined => writeTo(writable, chunk));
  const out = sinkOf(stdout);
  const err = sinkOf(stderr);
  const ends = {
    ...(stdin !== undefined && { stdin }), ...(out !== undefined && { stdout: out as never }), ...(err !== undefined && { stderr: err as never }),
    ...(options.tty && { terminalSizes: resizes }),
  };
  try {
    if (what === 'attach') await handle.attach(container, ends, signal);
    const code = what === 'attach' ? 0 : await handle.exec(container, { command: query.getAll('command'), tty: options.tty }, ends, signal);
    await streams.writeStatus(exitStatus(code));
  } catch (error) {
    await streams.writeStatus(failureStatus(messageOf(error)));
  }
}

async function forwardPorts(handle: KubeletHandle, pod: ContainerTarget, request: ServerRequest, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const session = await acceptPortForward(request, {
    clock,
    ports: portsIn(new URLSearchParams(request.query)),
    onConnection({ port, readable, writable, finish }) {
      handle.portForward(pod, port, { input: readable, output: (chunk: Uint8Array) => writeTo(writable, chunk) }, ended.signal)
        .then(() => finish(), (error: unknown) => finish(messageOf(error)));
    },
  });
  await session.closed;
  ended.abort();
}

/** Undefined: go on; a promise: wait until there is room. */
function writeTo(writable: NodeJS.WritableStream, chunk: Uint8Array): Promise<void> | undefined {
  if (writable.write(chunk)) return undefined;
  return new Promise((resolve) => {
    writable.once('drain', resolve);
    writable.once('close', resolve);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : internalError(error).message;
}
