/** Approves kubelets' certificate requests, signs approved ones, and forgets old ones. */
import { Buffer } from 'node:buffer';
import { SubjectAccessReview } from '#api/authorization/subject-access-review.ts';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import type { CertificateSigningRequestCondition } from '#api/certificates/certificate-signing-request.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import type { PemPair } from '#pki/authority.ts';
import { certify, loadAuthority } from '#pki/authority.ts';
import type { Controller, ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { messageOf } from '../pod-control.ts';
import type { CertificateRequest } from '#pki/certificate-request.ts';
import { parseCertificateRequest } from '#pki/certificate-request.ts';
import { judgeRequest, kubeletClientRefusal, kubeletClientSigner } from './signers.ts';

const daySeconds = 86_400;
const usualSeconds = 365 * daySeconds;
/** How long requests are kept: decided ones an hour, others a day. */
const decidedMs = 3_600_000;
const pendingMs = 86_400_000;

function parsed({ spec }: CertificateSigningRequest): CertificateRequest {
  return parseCertificateRequest(Buffer.from(spec.request, 'base64').toString());
}

function isDecided({ status }: CertificateSigningRequest): boolean {
  return status.conditions?.some(({ type }) => type === 'Approved' || type === 'Denied') === true;
}

/** Approves what kubelets ask for themselves, where the one who asks may. */
export const csrApprovingController = defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-approving-controller',
  for: CertificateSigningRequest,

  async reconcile(key, context) {
    const csr = context.lister.get(CertificateSigningRequest, key);
    if (csr === undefined || isDecided(csr) || csr.status.certificate !== undefined || csr.spec.signerName !== kubeletClientSigner) return done;
    let request: CertificateRequest;
    try {
      request = parsed(csr);
    } catch {
      return done;
    }
    if (kubeletClientRefusal(request, csr.spec.usages ?? []) !== undefined) return done;
    const isSelf = csr.spec.username === request.commonName;
    for (const [subresource, message] of [
      ...(isSelf ? [['selfnodeclient', 'Auto approving self kubelet client certificate after SubjectAccessReview.']] : []),
      ['nodeclient', 'Auto approving kubelet client certificate after SubjectAccessReview.'],
    ] as const) {
      if (!(await mayCreate(csr, subresource ?? '', context))) continue;
      const now = timestamp(context.clock.nowMs());
      const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message: message ?? '', lastUpdateTime: now, lastTransitionTime: now };
      await context.client.updateSubresource(CertificateSigningRequest, withCondition(csr, approved), 'approval', { signal: context.signal });
      return done;
    }
    return done;
  },
});

async function mayCreate({ spec }: CertificateSigningRequest, subresource: string, { client, signal }: ReconcileContext): Promise<boolean> {
  const review = await client.create(SubjectAccessReview, {
    spec: {
      user: spec.username, uid: spec.uid, groups: spec.groups, extra: spec.extra,
      resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource },
    },
  }, { signal });
  return review.status.allowed;
}

function withCondition(csr: CertificateSigningRequest, condition: CertificateSigningRequestCondition): CertificateSigningRequest {
  return { ...csr, status: { ...csr.status, conditions: [...(csr.status.conditions ?? []), condition] } };
}

/** Signs approved requests of Kubernetes' own signers with the cluster's authority. */
export function csrSigningController(pair: PemPair, maxSeconds: number = usualSeconds): Controller {
  const authority = loadAuthority(pair);
  return defineController<CertificateSigningRequest>({
    name: 'certificatesigningrequest-signing-controller',
    for: CertificateSigningRequest,

    async reconcile(key, { lister, client, clock, signal }) {
      const csr = lister.get(CertificateSigningRequest, key);
      const has = (type: string): boolean => csr?.status.conditions?.some((condition) => condition.type === type) === true;
      if (csr === undefined || !has('Approved') || has('Denied') || has('Failed') || csr.status.certificate !== undefined) return done;
      const outcome = attempt(() => {
        const request = parsed(csr);
        const verdict = judgeRequest(csr.spec.signerName, request, csr.spec.usages ?? []);
        if (verdict === undefined || 'refusal' in verdict) return verdict;
        const seconds = Math.min(csr.spec.expirationSeconds ?? maxSeconds, maxSeconds);
        return { pem: certify(authority, request.publicKey, { ...request, usages: verdict.usages, clock, validDays: seconds / daySeconds }) };
      });
      if (outcome === undefined) return done;
      if ('refusal' in outcome) {
        const now = timestamp(clock.nowMs());
        const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: outcome.refusal, lastUpdateTime: now, lastTransitionTime: now };
        await client.updateStatus(CertificateSigningRequest, withCondition(csr, failed), { signal });
        return done;
      }
      const certificate = Buffer.from(outcome.pem).toString('base64');
      await client.updateStatus(CertificateSigningRequest, { ...csr, status: { ...csr.status, certificate } }, { signal });
      return done;
    },
  });
}

function attempt<T>(work: () => T): T | { readonly refusal: string } {
  try {
    return work();
  } catch (error) {
    return { refusal: `unable to parse request: ${messageOf(error)}` };
  }
}

/** Deletes requests that have served their purpose. */
export const csrCleanerController = defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-cleaner-controller',
  for: CertificateSigningRequest,

  async reconcile(key, { lister, client, clock, signal }) {
    const csr = lister.get(CertificateSigningRequest, key);
    if (csr === undefined) return done;
    const decided = csr.status.conditions?.find(({ type }) => type === 'Approved' || type === 'Denied' || type === 'Failed');
    const untilMs = decided === undefined ? timeMs(csr.metadata.creationTimestamp) + pendingMs : timeMs(decided.lastUpdateTime ?? csr.metadata.creationTimestamp) + decidedMs;
    const leftMs = untilMs - clock.nowMs();
    if (leftMs > 0) return recheckAfter(leftMs);
    try {
      await client.delete(CertificateSigningRequest, csr.metadata, { signal });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    return done;
  },
});
