/** What the subresource `approval` of a certificate signing request may change: whether it is approved. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { CertificateSigningRequest, CertificateSigningRequestStatus } from './certificate-signing-request.ts';

/** Of `draft` only the conditions count, whatever they are called. */
export function takeApproval(draft: Draft<CertificateSigningRequest>, old: CertificateSigningRequest, nowIso: string): void {
  const given = draft.status.conditions ?? [];
  for (const condition of given) {
    const before = old.status.conditions?.find(({ type }) => type === condition.type);
    condition.lastUpdateTime ??= before !== undefined && saysTheSame({ ...before, lastUpdateTime: undefined }, { ...condition, lastUpdateTime: undefined }) ? before.lastUpdateTime : nowIso;
    condition.lastTransitionTime ??= before?.status === condition.status ? before.lastTransitionTime : nowIso;
  }
  draft.spec = old.spec as Draft<CertificateSigningRequest['spec']>;
  draft.status = { ...(old.status as Draft<CertificateSigningRequestStatus>), ...(given.length > 0 && { conditions: given }) };
  if (given.length === 0) delete draft.status.conditions;
}
