import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/**
 * The address under which this machine is known to others: that of the interface with the default route, else the first
 * that is not loopback, else 127.0.0.1 (a machine without a network).
 */
export function nodeAddress(): string {
  const interfaces = networkInterfaces();
  const device = defaultRouteDevice();
  const candidates = [...(device === undefined ? [] : (interfaces[device] ?? [])), ...Object.values(interfaces).flatMap((addresses) => addresses ?? [])];
  return candidates.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** Source: proc_net(5): the destination and mask of the default route are all zeros. */
function defaultRouteDevice(): string | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'utf8');
  } catch {
    return undefined;
  }
  return table.split('\n').slice(1).map((line) => line.split('\t')).find((fields) => fields[1] === '00000000' && fields[7] === '00000000')?.[0];
}
