/**
 * Who makes policies read their parameters must be able to read those himself: else their messages would tell him.
 * Source: Kubernetes documentation, "Validating Admission Policy: Authorization check"; error texts as the API server words them.
 */
import type { MutatingAdmissionPolicyBinding as Binding } from '#api/admissionregistration/mutating-admission-policy-binding.ts';
import { MutatingAdmissionPolicyBinding } from '#api/admissionregistration/mutating-admission-policy-binding.ts';
import { MutatingAdmissionPolicy } from '#api/admissionregistration/mutating-admission-policy.ts';
import type { ParamKind } from '#api/admissionregistration/matching.ts';
import { ValidatingAdmissionPolicyBinding } from '#api/admissionregistration/validating-admission-policy-binding.ts';
import type { ValidatingAdmissionPolicy as Policy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField } from '#apimachinery/field-error.ts';
import { decideFully } from '../../authz/authorizer.ts';
import type { UserInfo } from '../../request/api-call.ts';
import type { AdmissionContext, AdmissionRequest } from '../admission.ts';
import type { PolicyDependencies } from './validating-policies.ts';

/** Everything that the writer of a policy or binding may not do; nothing for other kinds. */
export async function checkParameters(request: AdmissionRequest, { objects }: AdmissionContext, dependencies: PolicyDependencies): Promise<readonly FieldError[]> {
  const kind = request.kind as unknown;
  const { object, old, user } = request;
  if (user.groups.includes('system:masters')) return [];
  if (kind === ValidatingAdmissionPolicy || kind === MutatingAdmissionPolicy) {
    const { paramKind } = (object as unknown as Policy).spec;
    if (paramKind === undefined || saysTheSame(paramKind, (old as Policy | undefined)?.spec.paramKind)) return [];
    if (await mayRead(dependencies, user, { ...resourceOf(paramKind, dependencies), namespace: '*', name: '*' })) return [];
    return [forbiddenField('spec.paramKind', `user ${shown(user)} must have "get" permission on all objects of the referenced paramKind (kind=${paramKind.kind ?? ''}, apiVersion=${paramKind.apiVersion ?? ''})`)];
  }
  if (kind === ValidatingAdmissionPolicyBinding || kind === MutatingAdmissionPolicyBinding) {
    const { paramRef, policyName = '' } = (object as unknown as Binding).spec;
    const before = (old as Binding | undefined)?.spec;
    if (paramRef === undefined || (saysTheSame(paramRef, before?.paramRef) && policyName === before?.policyName)) return [];
    const policy = kind === ValidatingAdmissionPolicyBinding ? objects.get(ValidatingAdmissionPolicy, policyName) : objects.get(MutatingAdmissionPolicy, policyName);
    if (await mayRead(dependencies, user, { ...resourceOf(policy?.spec.paramKind, dependencies), namespace: paramRef.namespace ?? '', name: paramRef.name ?? '' })) return [];
    return [forbiddenField('spec.paramRef', `user ${shown(user)} does not have "get" permission on the object referenced by paramRef`)];
  }
  return [];
}

interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Of a kind that is not known, everything. */
function resourceOf(paramKind: ParamKind | undefined, { kinds }: PolicyDependencies): Target {
  const parts = paramKind?.apiVersion?.split('/') ?? [];
  if (parts.length === 0 || parts.length > 2) return { group: '*', version: '*', resource: '*' };
  const [group = '', version = ''] = parts.length === 1 ? ['', ...parts] : parts;
  return { group, version, resource: kinds.findKind(group, version, paramKind?.kind ?? '')?.plural ?? '*' };
}

async function mayRead({ authorizers }: PolicyDependencies, user: UserInfo, target: Target & { readonly namespace: string; readonly name: string }): Promise<boolean> {
  return (await decideFully(authorizers, { user, verb: 'get', isResource: true, path: '', subresource: '', ...target })).verdict === 'allow';
}

/** As Kubernetes prints what it has in memory. */
function shown({ name, uid = '', groups }: UserInfo): string {
  return `&{${name} ${uid} [${groups.join(' ')}] map[]}`;
}
