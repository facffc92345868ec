import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { connectionFailure } from '#client/connection-failure.ts';
import { GrpcChannel, GrpcError, grpcStatus } from '../cri/grpc-channel.ts';
import { WireReader, WireWriter } from '../cri/wire-bytes.ts';
import type { HttpTarget, NetworkProber, NetworkTarget, ProbeOutcome } from '../platform.ts';

/** What the answer to a probe may hold; the rest is not read. */
const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

/** Probes over real sockets, each on a connection of its own. */
export function networkProber({ clock }: { readonly clock: Clock }): NetworkProber {
  return {
    http: (target) => probeHttp(target, clock, maxRedirects),
    tcp: (target) => probeTcp(target, clock),
    grpc: (target) => probeGrpc(target, clock),
  };
}

async function probeHttp(target: HttpTarget, clock: Clock, redirectsLeft: number): Promise<ProbeOutcome> {
  const url = new URL(`${target.scheme}://${bracketed(target.host)}:${target.port}`);
  const path = target.path.startsWith('/') ? target.path : `/${target.path}`;
  const name = `Get "${url.origin}${path}"`;
  const headers = new Map<string, string>([['user-agent', 'kube-probe/1.36'], ['accept', '*/*'], ['connection', 'close']]);
  for (const { name: header, value } of target.headers) {
    if (value === '') headers.delete(header.toLowerCase());
    else headers.set(header.toLowerCase(), value);
  }
  return new Promise((resolve) => {
    const send = target.scheme === 'https' ? httpsRequest : httpRequest;
    const request = send({ host: target.host, port: target.port, path, method: 'GET', headers: Object.fromEntries(headers), agent: false, rejectUnauthorized: false });
    const timer = clock.after(target.timeoutMs, () => {
      request.destroy();
      resolve({ result: 'failure', output: `${name}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)` });
    });
    const finish = (outcome: ProbeOutcome | Promise<ProbeOutcome>): void => {
      timer.cancel();
      resolve(outcome);
    };
    request.once('error', (error) => finish({ result: 'failure', output: `${name}: ${connectionFailure(error, target)}` }));
    request.once('response', (response) => {
      const { statusCode = 0, headers: { location } } = response;
      if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
        response.destroy();
        finish(followRedirect(target, location, clock, redirectsLeft));
      } else if (statusCode >= 200 && statusCode < 400) {
        drain(response, () => finish({ result: 'success', output: '' }));
      } else {
        response.destroy();
        finish({ result: 'failure', output: `HTTP probe failed with statuscode: ${statusCode}` });
      }
    });
    request.end();
  });
}

/** To the same host only; that another one is named counts as success, as it always has. */
function followRedirect(target: HttpTarget, location: string, clock: Clock, redirectsLeft: number): ProbeOutcome | Promise<ProbeOutcome> {
  const next = new URL(location, `${target.scheme}://${bracketed(target.host)}:${target.port}`);
  if (next.hostname !== bracketed(target.host)) return { result: 'success', output: 'Probe terminated redirects, Response body: ' };
  if (redirectsLeft === 0) return { result: 'failure', output: `stopped after ${maxRedirects} redirects` };
  const scheme = next.protocol === 'https:' ? 'https' : 'http';
  const port = next.port === '' ? (scheme === 'https' ? 443 : 80) : Number(next.port);
  return probeHttp({ ...target, scheme, port, path: `${next.pathname}${next.search}` }, clock, redirectsLeft - 1);
}

function drain(response: IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) response.destroy();
  });
  response.once('close', done);
}

function probeTcp(target: NetworkTarget, clock: Clock): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port });
    const finish = (outcome: ProbeOutcome): void => {
      timer.cancel();
      socket.destroy();
      resolve(outcome);
    };
    const timer = clock.after(target.timeoutMs, () => finish({ result: 'failure', output: `dial tcp ${bracketed(target.host)}:${target.port}: i/o timeout` }));
    socket.once('connect', () => finish({ result: 'success', output: '' }));
    socket.once('error', (error) => finish({ result: 'failure', output: connectionFailure(error, target) }));
  });
}

const servingNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** Source: the gRPC health checking protocol (grpc.health.v1.Health/Check). */
async function probeGrpc(target: NetworkTarget & { readonly service: string }, clock: Clock): Promise<ProbeOutcome> {
  const address = `${bracketed(target.host)}:${target.port}`;
  const channel = new GrpcChannel({ connect: () => connect({ host: target.host, port: target.port }), clock });
  const name = Buffer.from(target.service);
  const request = name.length === 0 ? new Uint8Array(0) : new WireWriter().tag(1, 2).bytes(name).finish();
  try {
    const answer = new WireReader(await channel.unary('/grpc.health.v1.Health/Check', request, { timeoutMs: target.timeoutMs }));
    let serving = 0;
    while (answer.position < answer.length) {
      const tag = answer.varint();
      if (tag === 8) serving = answer.varint();
      else answer.skip(tag % 8);
    }
    if (serving === 1) return { result: 'success', output: 'service healthy' };
    return { result: 'failure', output: `service unhealthy (responded with "${servingNames[serving] ?? 'UNKNOWN'}")` };
  } catch (error) {
    const { status, message } = error instanceof GrpcError ? error : new GrpcError(grpcStatus.unknown, String(error));
    if (status === grpcStatus.unimplemented) return { result: 'failure', output: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}` };
    if (status === grpcStatus.unavailable || status === grpcStatus.deadlineExceeded) return { result: 'failure', output: `timeout: failed to connect service "${address}" within ${target.timeoutMs / 1000}s: ${message}` };
    return { result: 'failure', output: `error: health rpc probe failed: ${message}` };
  } finally {
    channel.close();
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
