/**
 * What serving a definition takes, loaded with the first one: a server without definitions needs neither expressions nor
 * patterns.
 */
import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { DefinedKinds, RuleCheck } from './custom-kind.ts';
import { kindsOf } from './custom-kind.ts';

export interface MakeKindsDependencies {
  readonly registry: RegistryContext;
  readonly isTerminating: () => boolean;
}

export async function makeKinds(definition: CustomResourceDefinition, { isTerminating }: MakeKindsDependencies): Promise<DefinedKinds> {
  const hasRules = JSON.stringify(definition.spec.versions).includes('"x-kubernetes-validations"');
  const rulesOf = hasRules ? (await import('./rules/rule-check.ts')).ruleCheck : (): RuleCheck => ({ run: () => [] });
  return kindsOf(definition, { rulesOf, isTerminating, convert: undefined });
}
