/** The cluster's authorities and what they sign, under the names and with the contents that kubeadm gives them. */
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Authority, PemPair } from '#pki/authority.ts';
import { createAuthority, issueCertificate, loadAuthority } from '#pki/authority.ts';
import { pemPaths, readPem, readPemPair, writePem, writePemPair } from '#pki/pem-files.ts';
import { coversNames, expiresWithin, isSignedBy } from '#pki/rotation.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import { createServiceAccountKey, loadServiceAccountKey } from '#pki/service-account-key.ts';

/** Who is named in a certificate, and what for. */
export interface CertificateSpec {
  /** The files' name. */
  readonly name: string;
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: 'client' | 'server';
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

export interface ClusterCertificates {
  readonly ca: Authority;
  readonly frontProxyCa: Authority;
  readonly serviceAccountKey: ServiceAccountKey;
  /** By the names in `planCertificates`. */
  readonly pairs: Readonly<Record<string, PemPair>>;
}

export interface CertificateRequest {
  readonly nodeName: string;
  readonly nodeAddresses: readonly string[];
  /** The first address of the Service range, which the `kubernetes` Service has. */
  readonly apiServiceAddress: string;
  readonly hostname: string;
}

const authorityDays = 3650;
const certificateDays = 365;
/** Certificates are made anew at a start that finds less left than this. */
const renewWithinMs = 120 * 86_400_000;

/** Every certificate of a cluster on one machine. Pure. Source: Kubernetes documentation, "PKI certificates and requirements". */
export function planCertificates(request: CertificateRequest): readonly CertificateSpec[] {
  const { nodeName, nodeAddresses, apiServiceAddress, hostname } = request;
  const addresses = [...new Set(['127.0.0.1', '::1', ...nodeAddresses])];
  return [
    {
      name: 'apiserver', commonName: 'kube-apiserver', usage: 'server',
      dnsNames: [...new Set(['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', hostname, nodeName])],
      ipAddresses: [...new Set([...addresses, apiServiceAddress])],
    },
    { name: 'apiserver-kubelet-client', commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usage: 'client' },
    { name: 'admin', commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' },
    { name: 'scheduler', commonName: 'system:kube-scheduler', usage: 'client' },
    { name: 'controller-manager', commonName: 'system:kube-controller-manager', usage: 'client' },
    { name: 'kubelet', commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], usage: 'client' },
    { name: 'proxy', commonName: 'system:kube-proxy', usage: 'client' },
    { name: 'kubelet-server', commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], usage: 'server', dnsNames: [...new Set([nodeName, 'localhost'])], ipAddresses: addresses },
  ];
}

/** Reads what is there, makes what is missing, unfit or soon to expire. About 10 ms at the first start. */
export async function ensureCertificates(directory: string, request: CertificateRequest, { clock }: { readonly clock: Clock }): Promise<ClusterCertificates> {
  const [ca, frontProxyCa, serviceAccountKey] = await Promise.all([
    ensureAuthority(directory, { name: 'ca', commonName: 'kubernetes' }, clock),
    ensureAuthority(directory, { name: 'front-proxy-ca', commonName: 'front-proxy-ca' }, clock),
    ensureServiceAccountKey(directory),
  ]);
  const specs = planCertificates(request);
  const pairs = await Promise.all(specs.map((spec) => ensureCertificate(directory, spec, ca, clock)));
  const frontProxyClient = await ensureCertificate(directory, { name: 'front-proxy-client', commonName: 'front-proxy-client', usage: 'client' }, frontProxyCa, clock);
  return { ca, frontProxyCa, serviceAccountKey, pairs: { ...Object.fromEntries(specs.map(({ name }, index) => [name, pairs[index] as PemPair])), 'front-proxy-client': frontProxyClient } };
}

async function ensureAuthority(directory: string, { name, commonName }: { readonly name: string; readonly commonName: string }, clock: Clock): Promise<Authority> {
  const paths = pemPaths(directory, name);
  const known = await readPemPair(paths);
  if (known !== undefined) return loadAuthority(known);
  const made = createAuthority({ commonName, clock, validDays: authorityDays });
  await writePemPair(paths, made);
  return made;
}

async function ensureCertificate(directory: string, spec: CertificateSpec, ca: Authority, clock: Clock): Promise<PemPair> {
  const paths = pemPaths(directory, spec.name);
  const known = await readPemPair(paths);
  if (known !== undefined && isStillGood(known, spec, ca, clock)) return known;
  const made = issueCertificate(ca, { ...spec, usages: [spec.usage], clock, validDays: certificateDays });
  await writePemPair(paths, made);
  return made;
}

function isStillGood({ certificatePem }: PemPair, { dnsNames = [], ipAddresses = [] }: CertificateSpec, ca: Authority, clock: Clock): boolean {
  return !expiresWithin(certificatePem, { clock, withinMs: renewWithinMs })
    && isSignedBy(certificatePem, ca.certificatePem)
    && coversNames(certificatePem, { dnsNames, ipAddresses });
}

async function ensureServiceAccountKey(directory: string): Promise<ServiceAccountKey> {
  const path = join(directory, 'sa.key');
  const known = await readPem(path);
  if (known !== undefined) return loadServiceAccountKey(known);
  const made = createServiceAccountKey();
  await writePem(path, made.privateKeyPem, { mode: 0o600 });
  await writePem(join(directory, 'sa.pub'), made.publicKeyPem, { mode: 0o644 });
  return made;
}
