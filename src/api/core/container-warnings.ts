/** What writers of containers are told beside the answer. Source: behaviour of the v1.36 API server. */
import { parseQuantity } from '#apimachinery/quantity.ts';
import type { Container, ContainerPort, EnvVar, EphemeralContainer } from './container.ts';

type AnyContainer = Container | EphemeralContainer;

/** Bytes have no parts. */
export function* warnOfFraction(amount: string | undefined, path: string): Iterable<string> {
  // Counted to the thousandth.
  if (amount !== undefined && (parseQuantity(amount).nanos / 1_000_000n) % 1000n !== 0n) {
    yield `${path}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`;
  }
}

export function* warnOfContainer({ env = [], resources }: AnyContainer, path: string): Iterable<string> {
  for (const name of ['memory', 'ephemeral-storage']) {
    for (const part of ['limits', 'requests'] as const) yield* warnOfFraction(resources[part]?.[name], `${path}.resources.${part}[${name}]`);
  }
  yield* warnOfEnv(env, `${path}.env`);
}

/** A variable that is set twice is meant only where the second value builds on the first. */
function* warnOfEnv(env: readonly EnvVar[], path: string): Iterable<string> {
  const seen = new Set<string>();
  for (const [index, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    const buildsOn = valueFrom === undefined && value !== reference && value.includes(reference);
    if (seen.has(name) && !buildsOn) yield `${path}[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
    seen.add(name);
  }
}

interface Placed {
  readonly port: ContainerPort;
  readonly path: string;
}

/** Ports of all containers of a pod, which share one network. */
export function* warnOfPorts(containers: Iterable<readonly [AnyContainer, string]>): Iterable<string> {
  const taken = new Map<string, Placed[]>();
  for (const [{ ports = [] }, at] of containers) {
    for (const [index, port] of ports.entries()) {
      const path = `${at}.ports[${index}]`;
      if ((port.hostIP ?? '') !== '' && (port.hostPort ?? 0) === 0) yield `${path}: hostIP set without hostPort: ${shownPort(port)}`;
      const key = `${port.containerPort}/${port.protocol ?? ''}`;
      const others = taken.get(key) ?? [];
      for (const other of others) yield* warnOfPair({ port, path }, other);
      taken.set(key, [...others, { port, path }]);
    }
  }
}

function* warnOfPair({ path, port }: Placed, other: Placed): Iterable<string> {
  const [ip, otherIp] = [port.hostIP ?? '', other.port.hostIP ?? ''];
  const [hostPort, otherPort] = [port.hostPort ?? 0, other.port.hostPort ?? 0];
  if (ip === otherIp && hostPort === otherPort) yield `${path}: duplicate port definition with ${other.path}`;
  else if (hostPort === 0 || otherPort === 0) yield `${path}: overlapping port definition with ${other.path}`;
  else if (hostPort === otherPort && (ip === '') !== (otherIp === '')) yield `${path}: dangerously ambiguous port definition with ${other.path}`;
}

/** As Go prints the struct. */
function shownPort({ containerPort, hostIP = '', hostPort = 0, name = '', protocol }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol ?? ''} HostIP:${hostIP}}`;
}
