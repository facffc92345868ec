import type { Writable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { ServerRequest } from '#serving/exchange.ts';
import { acceptPortForward } from '#wire/port-forward/accept.ts';
import { portsIn } from '#wire/port-forward/accept-channels.ts';
import { acceptRemoteCommand } from '#wire/remote-command/accept.ts';
import { exitStatus, failureStatus, remoteCommandOptions } from '#wire/remote-command/streams.ts';
import type { ByteSink } from '../cri/cri.ts';
import type { ContainerTarget, KubeletHandle } from '../kubelet-handle.ts';

/**
 * Answers an exec or attach request whose client may come by WebSocket or SPDY. Resolves when the session is over; throws
 * `UpgradeError` when the request cannot be upgraded. What the command fails with is told to the client in its stream.
 */
export async function acceptCommand(
  kubelet: KubeletHandle, what: 'exec' | 'attach', target: ContainerTarget, query: URLSearchParams, request: ServerRequest, clock: Clock,
): Promise<void> {
  const options = remoteCommandOptions(query);
  const { stdin, stdout, stderr, resizes, signal, writeStatus } = await acceptRemoteCommand(request, options, { clock });
  const streams = {
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdout === undefined ? {} : { stdout: sinkOf(stdout) }),
    ...(stderr === undefined ? {} : { stderr: sinkOf(stderr) }),
    ...(options.tty ? { terminalSizes: resizes } : {}),
  };
  try {
    if (what === 'attach') await kubelet.attach(target, streams, signal);
    const code = what === 'attach' ? 0 : await kubelet.exec(target, { command: query.getAll('command'), tty: options.tty }, streams, signal);
    await writeStatus(exitStatus(code));
  } catch (error) {
    await writeStatus(failureStatus(messageOf(error)));
  }
}

/** Answers a port-forward request: each connection in it goes to a port of the pod. Resolves when the client is gone. */
export async function acceptPorts(kubelet: KubeletHandle, target: ContainerTarget, request: ServerRequest, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const session = await acceptPortForward(request, {
    clock,
    ports: portsIn(new URLSearchParams(request.query)),
    onConnection({ port, readable, writable, finish }) {
      kubelet.portForward(target, port, { input: readable, output: sinkOf(writable) }, ended.signal)
        .then(() => finish(), (error: unknown) => finish(messageOf(error)));
    },
  });
  await session.closed;
  ended.abort(new Error('the client has gone away'));
}

function sinkOf(writable: Writable): ByteSink {
  return async (chunk) => {
    if (writable.destroyed || writable.write(chunk)) return;
    await new Promise<void>((resolve) => {
      writable.once('drain', resolve);
      writable.once('close', resolve);
    });
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
