import { ageColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Label, validateDomainPath } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { validateReference } from './validate-ingress.ts';

export const IngressClassParametersReference = struct('io.k8s.api.networking.v1.IngressClassParametersReference', {
  apiGroup: string(1, { pointer: true }),
  kind: string(2, { required: true }),
  name: string(3, { required: true }),
  scope: oneOf(4, ['Cluster', 'Namespace'], { always: true, pointer: true, default: 'Cluster' }),
  namespace: string(5, { pointer: true }),
});
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = struct('io.k8s.api.networking.v1.IngressClassSpec', {
  controller: string(1),
  parameters: pointer(2, IngressClassParametersReference),
});
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

const longestController = 250;

function* validateClass({ spec: { controller = '', parameters } }: SpecPart<IngressClassSpec>): Iterable<FieldError> {
  if (byteLength(controller) > longestController) yield tooLong('spec.controller', longestController);
  yield* validateDomainPath(controller, 'spec.controller');
  if (parameters === undefined) return;
  const path = 'spec.parameters';
  yield* validateReference(parameters, path);
  const { namespace, scope } = parameters;
  if (scope === 'Namespace') {
    if (namespace === undefined) yield required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'");
    else for (const message of dns1123Label(namespace)) yield invalidValue(`${path}.namespace`, namespace, message);
  }
  if (scope === 'Cluster' && namespace !== undefined) yield forbiddenField(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'");
}

/** Whether Ingresses that name no class get this one. */
export function isDefaultIngressClass({ metadata: { annotations } }: Pick<SpecPart<IngressClassSpec>, 'metadata'>): boolean {
  return annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
}

function showName(one: SpecPart<IngressClassSpec>): string {
  return isDefaultIngressClass(one) ? `${one.metadata.name} (default)` : one.metadata.name;
}

/** `Kind.group/name`. */
function showParameters({ parameters }: IngressClassSpec): string {
  if (parameters === undefined) return '<none>';
  const { apiGroup, kind, name } = parameters;
  return `${apiGroup === undefined ? kind : `${kind}.${apiGroup}`}/${name}`;
}

export const IngressClass = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  scope: 'Cluster',
  fields: {
    spec: object(2, IngressClassSpec),
  },
  validate: [validateClass],
  validateUpdate: [immutableFields('spec.controller')],
  columns: [
    column<SpecPart<IngressClassSpec>>('Name', showName, { format: 'name', description: 'Name of the object' }),
    column<SpecPart<IngressClassSpec>>('Controller', ({ spec }) => spec.controller ?? ''),
    column<SpecPart<IngressClassSpec>>('Parameters', ({ spec }) => showParameters(spec)),
    ageColumn,
  ],
});
export interface IngressClass extends Infer<typeof IngressClass> {}
