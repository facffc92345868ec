/**
 * What is wrong with a pair of certificate and key, as far as it shows without cryptography: that there is none in them.
 * Whether they belong together is not looked at. Source: behaviour of the v1.36 API server, which says what Go's TLS says.
 */
const header = /^-----BEGIN ([A-Z0-9 ]+)-----$/gm;

interface TypedContents {
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export function* secretWarnings({ type, data = {} }: TypedContents): Iterable<string> {
  if (type !== 'kubernetes.io/tls') return;
  const fault = certificateFault(blocksOf(data['tls.crt'])) ?? keyFault(blocksOf(data['tls.key']));
  if (fault !== undefined) yield `tls: ${fault}`;
}

/** What the PEM blocks of a content are, by their own words. */
function blocksOf(content = ''): readonly string[] {
  const text = new TextDecoder().decode(Uint8Array.fromBase64(content));
  return [...text.matchAll(header)].map(([, type = '']) => type);
}

function certificateFault(blocks: readonly string[]): string | undefined {
  if (blocks.includes('CERTIFICATE')) return undefined;
  if (blocks.length === 0) return 'failed to find any PEM data in certificate input';
  if (blocks.length === 1 && blocks[0]?.endsWith('PRIVATE KEY') === true) return 'failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched';
  return `failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${blocks.join(' ')}]`;
}

function keyFault(blocks: readonly string[]): string | undefined {
  if (blocks.some((type) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'))) return undefined;
  if (blocks.length === 0) return 'failed to find any PEM data in key input';
  if (blocks.length === 1 && blocks[0] === 'CERTIFICATE') return 'found a certificate rather than a key in the PEM for the private key';
  return `failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${blocks.join(' ')}]`;
}
