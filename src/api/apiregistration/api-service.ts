import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1035Label, dns1123Subdomain, portNumber } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, bytes, int32, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { base64Length } from '../core/content.ts';

const prefix = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1';

export const APIServiceReference = struct(`${prefix}.ServiceReference`, {
  namespace: string(1),
  name: string(2),
  port: int32(3, { pointer: true, default: 443 }),
});
export interface APIServiceReference extends Infer<typeof APIServiceReference> {}

export const APIServiceSpec = struct(`${prefix}.APIServiceSpec`, {
  service: pointer(1, APIServiceReference),
  group: string(2),
  version: string(3),
  insecureSkipTLSVerify: bool(4),
  caBundle: bytes(5, { listType: 'atomic' }),
  groupPriorityMinimum: int32(7, { required: true }),
  versionPriority: int32(8, { required: true }),
});
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = struct(`${prefix}.APIServiceCondition`, {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = struct(`${prefix}.APIServiceStatus`, {
  conditions: list(1, APIServiceCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

type Parted = Parts<APIServiceSpec, APIServiceStatus>;

/** What this server serves itself is there from the start. */
function markLocal({ metadata, spec, status: now }: Draft<Parted>): void {
  if (spec.service !== undefined) return;
  now.conditions = [{
    type: 'Available', status: 'True', lastTransitionTime: metadata.creationTimestamp, reason: 'Local', message: 'Local APIServices are always available',
  }];
}

function showAvailable({ conditions = [] }: APIServiceStatus): string {
  const available = conditions.find((condition) => condition.type === 'Available');
  if (available === undefined) return 'Unknown';
  return available.status === 'True' || (available.reason ?? '') === '' ? available.status : `${available.status} (${available.reason ?? ''})`;
}

function* validateService({ metadata, spec }: Parted): Iterable<FieldError> {
  const expected = `${spec.version ?? ''}.${spec.group ?? ''}`;
  if (metadata.name !== expected) yield invalidValue('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: "${expected}"`);
  const { group = '', version = '' } = spec;
  if (group === '' && version !== 'v1') yield required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
  if (group !== '') for (const message of dns1123Subdomain(group)) yield invalidValue('spec.group', group, message);
  for (const message of dns1035Label(version)) yield invalidValue('spec.version', version, message);
  if (spec.groupPriorityMinimum <= 0 || spec.groupPriorityMinimum > 20_000) yield invalidValue('spec.groupPriorityMinimum', spec.groupPriorityMinimum, 'must be positive and less than 20000');
  if (spec.versionPriority <= 0 || spec.versionPriority > 1000) yield invalidValue('spec.versionPriority', spec.versionPriority, 'must be positive and less than 1000');
  if (spec.service === undefined) {
    if (spec.caBundle !== undefined) yield invalidValue('spec.caBundle', `${base64Length(spec.caBundle)} bytes`, 'local APIServices may not have a caBundle');
    if (spec.insecureSkipTLSVerify === true) yield invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    return;
  }
  if ((spec.service.namespace ?? '') === '') yield required('spec.service.namespace');
  if ((spec.service.name ?? '') === '') yield required('spec.service.name');
  for (const message of portNumber(spec.service.port ?? 0)) yield invalidValue('spec.service.port', spec.service.port ?? 0, `port is not valid: ${message}`);
  if (spec.insecureSkipTLSVerify === true && spec.caBundle !== undefined) yield invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
}

const statuses = ['True', 'False', 'Unknown'];

function* validateServiceStatus({ status: { conditions = [] } }: Parted): Iterable<FieldError> {
  for (const [index, { status: value }] of conditions.entries()) {
    if (!statuses.includes(value)) yield notSupported(`status.conditions[${index}].status`, value, statuses);
  }
}

export const APIService = defineResource({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schemaName: `${prefix}.APIService`,
  storePrefix: 'apiregistration.k8s.io/apiservices',
  fields: {
    spec: object(2, APIServiceSpec),
    status: object(3, APIServiceStatus),
  },
  subresources: [status()],
  strategy: { name: 'path-segment', needsResourceVersion: true, generation: false, prepareForCreate: markLocal },
  validate: [validateService],
  validateStatusUpdate: [validateServiceStatus],
  columns: [
    nameColumn,
    column<Parted>('Service', ({ spec: { service } }) => (service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`)),
    column<Parted>('Available', ({ status: now }) => showAvailable(now)),
    ageColumn,
  ],
});
export interface APIService extends Infer<typeof APIService> {}
