/** The node's own resolvers. Source: resolv.conf(5), systemd-resolved(8). */
import { readFile, stat } from 'node:fs/promises';
import type { UpstreamAddress } from './upstream.ts';

/** More than libraries ask themselves would only make failures slower. */
const maxServers = 3;

/** The servers that a resolv.conf names. Pure. */
export function serversIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, server] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    return keyword === 'nameserver' && server !== undefined && server !== '' ? [server] : [];
  });
}

/** What can be asked of them: not we ourselves, for such a question would come back. Pure. */
export function upstreamsOf(servers: readonly string[], own: readonly UpstreamAddress[]): readonly UpstreamAddress[] {
  return [...new Set(servers)]
    .map((host) => ({ host, port: 53 }))
    .filter(({ host, port }) => !own.some((each) => each.port === port && (each.host === host || (isEverywhere(each.host) && isLoopback(host)))))
    .slice(0, maxServers);
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

/** systemd-resolved's list behind the local stub: asked directly, a stub that asks us cannot make a circle. */
const realFile = '/run/systemd/resolve/resolv.conf';

/** A file that names resolvers, read anew when it has changed. */
export interface ResolverFile {
  /** Undefined when nothing has changed since the last call. */
  read(): Promise<readonly string[] | undefined>;
}

export function resolverFile(file: string): ResolverFile {
  let last: string | undefined;
  const stamp = async (path: string): Promise<string> => stat(path).then(({ mtimeMs, ino, size }) => `${mtimeMs} ${ino} ${size}`, () => '');
  return {
    async read() {
      const now = `${await stamp(file)} ${await stamp(realFile)}`;
      if (now === last) return undefined;
      last = now;
      const own = serversIn(await readFile(file, 'utf8').catch(() => ''));
      if (own.some((server) => !isLoopback(server))) return own;
      const real = serversIn(await readFile(realFile, 'utf8').catch(() => ''));
      return real.length > 0 ? real : own;
    },
  };
}
