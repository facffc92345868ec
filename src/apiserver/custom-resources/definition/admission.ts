import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { CustomResourceDefinition as definitions } from '#api/apiextensions/custom-resource-definition.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission/admission.ts';

/**
 * The part of the validation of definitions that needs patterns and expressions, loaded with the first one, and what
 * writers of custom objects are warned of. Runs before other plugins are asked.
 */
export const definitionValidation: AdmissionPlugin = {
  name: 'CustomResourceDefinitionValidation',
  validate(request) {
    if (request.object === undefined) return undefined;
    if (request.kind.isCustom === true) warnOfFinalizers(request);
    return (request.kind as unknown) === definitions && request.subresource === '' ? validateDefinition(request) : undefined;
  },
};

async function validateDefinition(request: AdmissionRequest): Promise<void> {
  const { checkDefinition, unrecognizedFormats } = await import('./check-definition.ts');
  const definition = request.object as unknown as CustomResourceDefinition;
  const errors = await checkDefinition(definition, request.old as CustomResourceDefinition | undefined);
  if (request.operation === 'CREATE') for (const format of unrecognizedFormats(definition)) request.warn?.(`unrecognized format ${JSON.stringify(format)}`);
  if (errors.length > 0) throw invalid(request.kind, definition.metadata.name, errors);
}

const ownFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function warnOfFinalizers({ object, old, warn }: AdmissionRequest): void {
  const { finalizers } = object?.metadata ?? {};
  if (finalizers === undefined) return;
  for (const name of new Set(finalizers)) {
    if (name.includes('/') || ownFinalizers.has(name) || old?.metadata.finalizers?.includes(name) === true) continue;
    warn?.(`metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`);
  }
}
