/**
 * A proxy in front of this server says in headers for whom it asks; by its client certificate it is believed.
 *
 * Source: Kubernetes documentation, "Authenticating: authenticating proxy" and "Configure the Aggregation Layer".
 */
import type { RequestHeaders } from '#serving/exchange.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Authenticator } from './authenticate.ts';
import { withAuthenticated } from './authenticate.ts';
import type { CertificateTrust } from './certificate-trust.ts';

/** The flags `--requestheader-*`. Names of headers are compared without regard to case. */
export interface RequestHeaderOptions {
  readonly caPem: string;
  /** Common names of proxies; empty: any that the authority has signed. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

/** What clusters commonly use, under the authority of `caPem`. */
export function usualRequestHeaders(caPem: string): RequestHeaderOptions {
  return {
    caPem, allowedNames: ['front-proxy-client'], usernameHeaders: ['X-Remote-User'], uidHeaders: ['X-Remote-Uid'], groupHeaders: ['X-Remote-Group'], extraHeaderPrefixes: ['X-Remote-Extra-'],
  };
}

/** The user that a trusted proxy names. Headers of anybody else are not looked at. */
export function requestHeaders(options: RequestHeaderOptions, trust: CertificateTrust): Authenticator {
  const { allowedNames } = options;
  const [usernames, uids, groups, prefixes] = [options.usernameHeaders, options.uidHeaders, options.groupHeaders, options.extraHeaderPrefixes].map((names) => names.map((name) => name.toLowerCase()));
  return {
    name: 'request-header',
    authenticate({ peer, headers }) {
      if (peer.kind !== 'verified') return undefined;
      const name = firstOf(headers, usernames ?? []);
      if (name === '' || (allowedNames.length > 0 && !allowedNames.includes(peer.identity.commonName)) || !trust(peer.certificate)) return undefined;
      const uid = firstOf(headers, uids ?? []);
      const extra = extraOf(headers, prefixes ?? []);
      return withAuthenticated({
        name, groups: (groups ?? []).flatMap((header) => valuesOf(headers[header])), ...(uid !== '' && { uid }), ...(Object.keys(extra).length > 0 && { extra }),
      });
    },
  };
}

function extraOf(headers: RequestHeaders, prefixes: readonly string[]): NonNullable<UserInfo['extra']> {
  const extra: Record<string, readonly string[]> = Object.create(null) as Record<string, readonly string[]>;
  for (const [header, value] of Object.entries(headers)) {
    const prefix = prefixes.find((each) => header.startsWith(each));
    if (prefix === undefined) continue;
    const key = unescaped(header.slice(prefix.length));
    extra[key] = [...(extra[key] ?? []), ...valuesOf(value)];
  }
  return extra;
}

/** What is not escaped properly stands for itself. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function firstOf(headers: RequestHeaders, names: readonly string[]): string {
  for (const name of names) {
    const [value = ''] = [headers[name] ?? ''].flat();
    if (value !== '') return value;
  }
  return '';
}

/** A header that may come several times; Node joins what does. */
function valuesOf(header: string | string[] | undefined): readonly string[] {
  return header === undefined ? [] : [header].flat().flatMap((each) => each.split(', ')).filter((each) => each !== '');
}
