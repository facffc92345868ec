/** What the subresource `approval` of a certificate signing request may change: whether it is approved. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { CertificateSigningRequest, CertificateSigningRequestStatus } from './certificate-signing-request.ts';

const decisions = new Set(['Approved', 'Denied']);

/** They stay once they are there. */
const lasting = new Set([...decisions, 'Failed']);

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

/** A decision stands once it is made, and there is one of them. */
export function* validateApproval(request: CertificateSigningRequest, old: CertificateSigningRequest): Iterable<FieldError> {
  const conditions = request.status.conditions ?? [];
  for (const [index, condition] of conditions.entries()) {
    if (decisions.has(condition.type) && condition.status !== 'True') yield invalidValue(`status.conditions[${index}].status`, condition.status, `status of ${condition.type} must be True`);
  }
  if (conditions.filter(({ type }) => decisions.has(type)).length > 1) yield invalidValue('status.conditions', conditions[0]?.type ?? '', 'Approved and Denied conditions are mutually exclusive');
  for (const before of old.status.conditions ?? []) {
    if (!lasting.has(before.type)) continue;
    const now = conditions.find(({ type }) => type === before.type);
    if (now === undefined) yield forbiddenField('status.conditions', `updates may not remove a condition of type ${JSON.stringify(before.type)}`);
  }
}
