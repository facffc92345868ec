import { clientIdentity } from '#pki/client-identity.ts';
import type { TLSSocket } from 'node:tls';
import type { Peer } from './exchange.ts';

/** Read once per connection: parsing a certificate costs more than answering a request. */
const known = new WeakMap<object, Peer>();

/** What TLS says about the client at the other end of `socket`. `connection` is what the answer is remembered by. */
export function peerOf(connection: object, socket: TLSSocket): Peer {
  const remembered = known.get(connection);
  if (remembered !== undefined) return remembered;
  const peer = readPeer(socket);
  known.set(connection, peer);
  return peer;
}

function readPeer(socket: TLSSocket): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: 'none' };
  if (!socket.authorized) return { kind: 'rejected', reason: String(socket.authorizationError) };
  return {
    kind: 'verified',
    identity: clientIdentity(certificate),
    certificate,
    notAfterMs: certificate.validToDate.getTime(),
  };
}
