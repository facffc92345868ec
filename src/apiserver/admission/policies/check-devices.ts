/**
 * What of claims and classes of devices only the server can check: whether the expressions that choose devices are any, and
 * whether a namespace may have devices to administer.
 *
 * Source: API reference, resource.k8s.io/v1 CELDeviceSelector, DeviceRequest.adminAccess; error texts as the API server words them.
 */
import { ExpressionError } from '#cel/ast.ts';
import type { Environment } from '#cel/compile.ts';
import { compile } from '#cel/compile.ts';
import type { ObjectType } from '#cel/types.ts';
import { bool, dyn, mapOf, parseType, string, typeText } from '#cel/types.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { DeviceClass as Class } from '#api/resource/device-class.ts';
import { DeviceClass } from '#api/resource/device-class.ts';
import type { ResourceClaimTemplate as Template } from '#api/resource/resource-claim-template.ts';
import { ResourceClaimTemplate } from '#api/resource/resource-claim-template.ts';
import type { DeviceRequest, DeviceSelector, ResourceClaim as Claim } from '#api/resource/resource-claim.ts';
import { ResourceClaim } from '#api/resource/resource-claim.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { expressionFunctions } from '../../expressions/functions.ts';
import type { AdmissionContext, AdmissionRequest } from '../admission.ts';

const device: ObjectType = {
  is: 'object', name: 'DRADevice',
  fields: new Map([
    ['driver', { key: 'driver', type: string }],
    ['attributes', { key: 'attributes', type: mapOf(string, mapOf(string, dyn)) }],
    ['capacity', { key: 'capacity', type: mapOf(string, mapOf(string, parseType('kubernetes.Quantity'))) }],
    ['allowMultipleAllocations', { key: 'allowMultipleAllocations', type: bool }],
  ]),
};
const environment: Environment = { functions: expressionFunctions, variables: { device } };

/** Everything wrong with what `request` writes; nothing for other kinds. */
export function* checkDevices(request: AdmissionRequest, context: AdmissionContext): Iterable<FieldError> {
  const { object, old, subresource } = request;
  const kind = request.kind as unknown;
  if (object === undefined) return;
  if (kind === DeviceClass && subresource === '') {
    const { spec } = object as unknown as Class;
    // What was stored under older rules may stay.
    if (!saysTheSame(spec.selectors, (old as Class | undefined)?.spec.selectors)) yield* checkSelectors(spec.selectors, 'spec.selectors');
  } else if (kind === ResourceClaim && subresource === 'status') yield* checkAllocation(object as unknown as Claim, old as Claim, request, context);
  else if (old === undefined && kind === ResourceClaim) yield* checkRequests((object as unknown as Claim).spec.devices.requests, 'spec.devices.requests', request, context);
  else if (old === undefined && kind === ResourceClaimTemplate) yield* checkRequests((object as unknown as Template).spec.spec.devices.requests, 'spec.spec.devices.requests', request, context);
}

/** Specs do not change, so new ones are all there is to look at. */
function* checkRequests(requests: readonly DeviceRequest[] | undefined, path: string, request: AdmissionRequest, context: AdmissionContext): Iterable<FieldError> {
  const given = requests ?? [];
  const administering = given.findIndex(({ exactly }) => exactly?.adminAccess === true);
  if (administering >= 0 && !mayAdminister(request, context)) yield noAdministration(`spec.devices.requests[${administering}]`);
  for (const [index, { exactly, firstAvailable = [] }] of given.entries()) {
    yield* checkSelectors(exactly?.selectors, `${path}[${index}].exactly.selectors`);
    for (const [position, { selectors }] of firstAvailable.entries()) yield* checkSelectors(selectors, `${path}[${index}].firstAvailable[${position}].selectors`);
  }
}

function* checkAllocation(claim: Claim, old: Claim, request: AdmissionRequest, context: AdmissionContext): Iterable<FieldError> {
  const indexOf = ({ status }: Claim): number => (status.allocation?.devices.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  const index = indexOf(claim);
  if (index >= 0 && indexOf(old) < 0 && !mayAdminister(request, context)) yield noAdministration(`status.allocation.devices.results[${index}]`);
}

function mayAdminister({ namespace }: AdmissionRequest, { objects }: AdmissionContext): boolean {
  return objects.get(Namespace, namespace)?.metadata.labels?.['resource.kubernetes.io/admin-access'] === 'true';
}

function noAdministration(path: string): FieldError {
  return forbiddenField(`${path}.adminAccess`, 'admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace');
}

function* checkSelectors(selectors: readonly DeviceSelector[] | undefined, path: string): Iterable<FieldError> {
  for (const [index, { cel }] of (selectors ?? []).entries()) {
    const fault = cel === undefined ? undefined : faultOf(cel.expression);
    if (fault !== undefined) yield invalidValue(`${path}[${index}].cel.expression`, cel?.expression, fault);
  }
}

function faultOf(expression: string): string | undefined {
  try {
    const { type } = compile(expression, environment);
    return type.is === 'bool' || type.is === 'dyn' ? undefined : `must evaluate to bool or the unknown type, not ${typeText(type)}`;
  } catch (error) {
    if (error instanceof ExpressionError) return `compilation failed: ${error.message}`;
    throw error;
  }
}
