import type { Container } from '#api/core/container.ts';
import { Pod } from '#api/core/pod.ts';
import { forbiddenField } from '#apimachinery/field-error.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/** No privileged containers, for --allow-privileged=false. No plugin upstream but a part of validation, whose words it has. */
export const privilegedContainers: AdmissionPlugin = {
  name: 'AllowPrivileged',
  validate(request) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { spec } = request.object;
    const errors = (['initContainers', 'containers'] as const).flatMap((field) => ((spec[field] ?? []) as readonly Container[]).flatMap(({ securityContext }, index) =>
      (securityContext?.privileged === true ? [forbiddenField(`spec.${field}[${index}].securityContext.privileged`, 'disallowed by cluster policy')] : [])));
    if (errors.length > 0) throw invalid(Pod, request.object.metadata.name ?? '', errors);
  },
};
