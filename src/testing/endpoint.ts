import type { Clock } from '#base/clock.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';

/** A test cluster as other tools see it. */
export interface TestEndpoint {
  /** https://127.0.0.1:port */
  readonly url: string;
  readonly caPem: string;
  readonly clientCertificatePem: string;
  readonly clientKeyPem: string;
  /** A kubeconfig of the administrator, as text: write it to a file and set KUBECONFIG. */
  readonly kubeconfig: string;
}

const validDays = 1;

/** Opens an HTTPS port on loopback with certificates of its own. */
export async function openEndpoint(apiServer: ApiServer, clock: Clock): Promise<TestEndpoint> {
  const authority = createAuthority({ commonName: 'skiff-test', clock, validDays });
  const serving = issueCertificate(authority, { commonName: 'kube-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock, validDays });
  const admin = issueCertificate(authority, { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'], clock, validDays });
  const { port } = await apiServer.listen({ host: '127.0.0.1', port: 0, serving, clientCaPem: authority.certificatePem });
  const url = `https://127.0.0.1:${port}`;
  return {
    url,
    caPem: authority.certificatePem,
    clientCertificatePem: admin.certificatePem,
    clientKeyPem: admin.privateKeyPem,
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(authority.certificatePem) } }],
      users: [{ name: 'admin', user: { 'client-certificate-data': base64(admin.certificatePem), 'client-key-data': base64(admin.privateKeyPem) } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    }),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
