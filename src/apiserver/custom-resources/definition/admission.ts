import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { CustomResourceDefinition as definitions } from '#api/apiextensions/custom-resource-definition.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../../admission/admission.ts';

/**
 * The part of the validation of definitions that needs patterns and expressions; loaded with the first one. Runs before
 * other plugins are asked.
 */
export const definitionValidation: AdmissionPlugin = {
  name: 'CustomResourceDefinitionValidation',
  async validate(request) {
    if ((request.kind as unknown) !== definitions || request.subresource !== '' || request.object === undefined) return;
    const { checkDefinition, unrecognizedFormats } = await import('./check-definition.ts');
    const definition = request.object as unknown as CustomResourceDefinition;
    const errors = checkDefinition(definition, request.old as CustomResourceDefinition | undefined);
    if (request.operation === 'CREATE') for (const format of unrecognizedFormats(definition)) request.warn?.(`unrecognized format ${JSON.stringify(format)}`);
    if (errors.length > 0) throw invalid(request.kind, definition.metadata.name, errors);
  },
};
