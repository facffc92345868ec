/** Rules on what approvers and signers say of a certificate request. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { CertificateSigningRequestCondition, CertificateSigningRequestStatus } from './certificate-signing-request.ts';

interface WithStatus {
  readonly status: CertificateSigningRequestStatus;
}

/** Only the subresource `approval` writes these. */
const decisions = ['Approved', 'Denied'];
/** They stay once they are there, and are true or not there. */
const lasting = [...decisions, 'Failed'];
const path = 'status.conditions';

/** A decision stands once it is made, and there is one of them. */
export function* validateApproval({ status: { conditions = [] } }: WithStatus, { status: { conditions: old = [] } }: WithStatus): Iterable<FieldError> {
  yield* validateConditions(conditions, old);
  for (const type of lasting) if (countOf(type, conditions) < countOf(type, old)) yield forbiddenField(path, `updates may not remove a condition of type ${JSON.stringify(type)}`);
}

/** A signer does not decide, and issues one certificate. */
export function* validateStatus(request: WithStatus, old: WithStatus): Iterable<FieldError> {
  const { certificate, conditions = [] } = request.status;
  yield* validateApproval(request, old);
  for (const type of decisions) if (countOf(type, conditions) > countOf(type, old.status.conditions ?? [])) yield forbiddenField(path, `updates may not add a condition of type ${JSON.stringify(type)}`);
  if (certificate === old.status.certificate) return;
  const fault = certificate === undefined ? undefined : certificateFault(certificate);
  if (fault !== undefined) yield invalidValue('status.certificate', '<certificate data>', fault);
  if (old.status.certificate !== undefined) yield forbiddenField('status.certificate', 'updates may not modify existing certificate content');
}

/** What of a decision is written to `status` does not count, as long as there is one as before. */
export function keepDecisions({ status }: Draft<WithStatus>, { status: { conditions: old = [] } }: WithStatus): void {
  for (const type of decisions) {
    const before = old.filter((each) => each.type === type);
    if (countOf(type, status.conditions ?? []) !== before.length) continue;
    status.conditions = status.conditions?.map((each) => (each.type === type ? (before.shift() ?? each) : each));
  }
}

function countOf(type: string, conditions: readonly CertificateSigningRequestCondition[]): number {
  return conditions.filter((each) => each.type === type).length;
}

function* validateConditions(conditions: readonly CertificateSigningRequestCondition[], old: readonly CertificateSigningRequestCondition[]): Iterable<FieldError> {
  if (saysTheSame(conditions, old)) return;
  const seen = new Set<string>();
  for (const [index, { type, status }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (type === '') yield required(`${at}.type`);
    const allowed = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') yield required(`${at}.status`);
    else if (!allowed.includes(status)) yield notSupported(`${at}.status`, status, allowed);
    if (decisions.some((other) => decisions.includes(type) && other !== type && seen.has(other))) yield invalidValue(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive');
    if (seen.has(type)) yield duplicate(`${at}.type`, type);
    seen.add(type);
  }
}

/** What is wrong with the form of a chain of certificates; what is in them its readers look at. */
function certificateFault(base64: string): string | undefined {
  const blocks = [...new TextDecoder().decode(Uint8Array.fromBase64(base64)).matchAll(/-----BEGIN ([^\n-]+)-----\r?\n([^-]*)-----END \1-----/g)];
  for (const [, label = '', content = ''] of blocks) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`;
    if (content.includes(':')) return 'no PEM block headers are permitted';
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}
