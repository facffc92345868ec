/** As much of the errors of Node's sockets as tells what went wrong. */
interface SocketError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  /** Of a certificate for other names. */
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

const unknownAuthority = 'certificate signed by unknown authority';
const outOfTime = 'certificate has expired or is not yet valid';
const certificateFailures: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority, UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority, DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority, CERT_SIGNATURE_FAILURE: unknownAuthority, CERT_HAS_EXPIRED: outOfTime, CERT_NOT_YET_VALID: outOfTime,
};
const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout',
};

/**
 * Why a server could not be asked, in the words that operators know from Kubernetes, whose components are written in Go.
 * `dialed`: where the connection was to lead, when the error does not tell.
 */
export function connectionFailure(error: unknown, dialed: { readonly host?: string; readonly port?: number } = {}): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried, each in vain.
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  const { code = '', message, address, port, hostname, host, cert }: SocketError = first instanceof Error ? first : error;
  const certificate = certificateFailures[code];
  if (certificate !== undefined) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (cert?.subjectaltname ?? '').split(', ').map((each) => each.replace(/^(DNS|IP Address):/, '')).filter((each) => each !== '');
    return `tls: failed to verify certificate: x509: certificate is ${names.length === 0 ? 'not valid for any names, but wanted to match' : `valid for ${names.join(', ')}, not`} ${host ?? ''}`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname ?? dialed.host ?? ''}: no such host`;
  if (code === 'ECONNRESET') return message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  const dial = dialFailures[code];
  const to = address ?? dialed.host;
  return dial === undefined || to === undefined ? message : `dial tcp ${to.includes(':') ? `[${to}]` : to}:${port ?? dialed.port ?? 0}: ${dial}`;
}
