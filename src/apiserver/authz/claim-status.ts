/**
 * Who writes the status of a ResourceClaim needs a right for each part of it: `resourceclaims/binding` for what is allocated
 * and for whom, `resourceclaims/driver` by the driver's name for what a driver says of its devices; a driver may be allowed
 * that for claims of its own node only.
 * Source: KEP-4817; Kubernetes documentation, "Hardening Guide - Dynamic Resource Allocation".
 */
import type { NodeSelector } from '#api/core/scheduling.ts';
import { ResourceClaim } from '#api/resource/resource-claim.ts';
import type { AllocatedDeviceStatus, ResourceClaim as Claim } from '#api/resource/resource-claim.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField } from '#apimachinery/field-error.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Attributes, Authorizer } from './authorizer.ts';
import { decideFully, refusal } from './authorizer.ts';

const serviceAccountPrefix = 'system:serviceaccount:';
const nodeNameExtra = 'authentication.kubernetes.io/node-name';

/** Stands among the admission plugins, so that patches and applies are looked at like everything else. */
export function claimStatusCheck(authorizers: readonly Authorizer[]): AdmissionPlugin {
  /** Undefined: allowed. */
  const whyNot = async ({ user }: AdmissionRequest, target: Pick<Attributes, 'verb' | 'subresource' | 'namespace' | 'name'>): Promise<string | undefined> => {
    const attributes: Attributes = { user, isResource: true, path: '', group: ResourceClaim.group, version: ResourceClaim.version, resource: ResourceClaim.plural, ...target };
    const decision = await decideFully(authorizers, attributes);
    return decision.verdict === 'allow' ? undefined : refusal(attributes, decision).message;
  };

  const bindingErrors = async (request: AdmissionRequest, verb: string): Promise<readonly FieldError[]> => {
    const why = await whyNot(request, { verb, subresource: 'binding', namespace: '', name: '' });
    return why === undefined ? [] : [forbiddenField('status', `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission: ${why}`)];
  };

  const driverErrors = async (request: AdmissionRequest, verb: string, claim: Claim, old: Claim): Promise<readonly FieldError[]> => {
    const verbs = [...(isOfNode(request.user, claim.status.allocation?.nodeSelector) ? [`associated-node:${verb}`] : []), `arbitrary-node:${verb}`];
    const errors: FieldError[] = [];
    for (const driver of changedDrivers(claim.status.devices, old.status.devices)) {
      const reasons: string[] = [];
      for (const each of verbs) {
        const why = await whyNot(request, { verb: each, subresource: 'driver', namespace: request.namespace, name: driver });
        if (why === undefined) break;
        reasons.push(why);
      }
      if (reasons.length === verbs.length) errors.push(forbiddenField('status.devices', `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission: ${reasons[0] ?? ''}`));
    }
    return errors;
  };

  return {
    name: 'ResourceClaimStatusAuthorization',
    validate(request) {
      if ((request.kind as unknown) !== ResourceClaim || request.subresource !== 'status' || request.object === undefined || request.old === undefined) return undefined;
      return check(request, request.object as unknown as Claim, request.old as Claim);
    },
  };

  async function check(request: AdmissionRequest, claim: Claim, old: Claim): Promise<void> {
    const { verb = 'update' } = request;
    const isBound = !saysTheSame(claim.status.allocation, old.status.allocation) || !saysTheSame(claim.status.reservedFor, old.status.reservedFor);
    const errors = [...(isBound ? await bindingErrors(request, verb) : []), ...(await driverErrors(request, verb, claim, old))];
    if (errors.length > 0) throw invalid(request.kind, claim.metadata.name, errors);
  }
}

/** The drivers of devices that are new, gone, or say something else, by name. Pure. */
export function changedDrivers(now: readonly AllocatedDeviceStatus[] = [], before: readonly AllocatedDeviceStatus[] = []): readonly string[] {
  const keyOf = ({ driver, pool, device, shareID = '' }: AllocatedDeviceStatus): string => JSON.stringify([driver, pool, device, shareID]);
  const known = new Map(before.map((device) => [keyOf(device), device]));
  const changed = now.filter((device) => !saysTheSame(device, known.get(keyOf(device))));
  for (const device of now) known.delete(keyOf(device));
  return [...new Set([...changed, ...known.values()].map(({ driver }) => driver))].sort();
}

/** Whether a service account's token belongs to the very node that the claim is allocated on. */
function isOfNode({ name, extra }: UserInfo, selector: NodeSelector | undefined): boolean {
  const [term, ...others] = selector?.nodeSelectorTerms ?? [];
  const [field, ...more] = term?.matchFields ?? [];
  const nodes = extra?.[nodeNameExtra] ?? [];
  const isOne = others.length === 0 && more.length === 0 && (term?.matchExpressions ?? []).length === 0 && field?.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1;
  return isOne && name.startsWith(serviceAccountPrefix) && nodes.length === 1 && nodes[0] === field.values?.[0];
}
