/**
 * What serving a definition takes, loaded with the first one: a server without definitions needs neither expressions nor
 * patterns.
 */
import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { WebhookClient } from '../webhooks/webhook-client.ts';
import { storePrefix } from '../registry/registry-context.ts';
import { rewriteStored, storedVersion } from './conversion/rewrite-stored.ts';
import { WebhookConversion } from './conversion/webhook-conversion.ts';
import type { DefinedKinds, RuleCheck } from './custom-kind.ts';
import { kindsOf } from './custom-kind.ts';
import { schemaNode } from './schema/schema-node.ts';

export interface MakeKindsDependencies {
  readonly registry: RegistryContext;
  readonly webhooks: WebhookClient;
  readonly isTerminating: () => boolean;
  /** What was served before. */
  readonly before: DefinedKinds | undefined;
}

export async function makeKinds(definition: CustomResourceDefinition, { registry, webhooks, isTerminating, before }: MakeKindsDependencies): Promise<DefinedKinds> {
  const { conversion, versions } = definition.spec;
  const hasRules = versions.some(({ schema }) => schema?.openAPIV3Schema !== undefined && schemaNode(schema.openAPIV3Schema).holds.rules);
  const rulesOf = hasRules ? (await import('./rules/rule-check.ts')).ruleCheck : (): RuleCheck => ({ run: () => [] });
  const configuration = conversion?.strategy === 'Webhook' ? conversion.webhook : undefined;
  let made: DefinedKinds | undefined;
  const webhook = configuration === undefined ? undefined : new WebhookConversion({
    webhooks, configuration, random: registry.random,
    kindOf: (apiVersion) => made?.hub.inVersion?.(apiVersion),
  });
  made = kindsOf(definition, {
    rulesOf, isTerminating,
    convert: webhook === undefined ? undefined : { load: (objects, apiVersion) => webhook.load(objects, apiVersion), converted: (object, apiVersion) => webhook.converted(object, apiVersion) },
  });
  if (webhook !== undefined && before !== undefined && before.hub.apiVersion !== made.hub.apiVersion) await rewriteStored(registry, before.hub, made.hub, webhook);
  return made;
}

/**
 * What was served before the storage version changed, where the server stopped before all objects were rewritten: until
 * the webhook has converted them they can be read in their old version only.
 */
export async function unfinishedKinds(definition: CustomResourceDefinition, dependencies: Omit<MakeKindsDependencies, 'before'>): Promise<DefinedKinds | undefined> {
  const { spec, status } = definition;
  if (spec.conversion?.strategy !== 'Webhook' || status.storedVersions.length < 2) return undefined;
  const { cache } = dependencies.registry;
  const { hub } = await makeKinds(definition, { ...dependencies, before: undefined });
  const found = new Set(Array.from(cache.of(hub).range(storePrefix(hub, '')), storedVersion));
  cache.forget(hub);
  const old = spec.versions.find(({ name, storage }) => !storage && found.has(`${spec.group}/${name}`));
  if (old === undefined) return undefined;
  const versions = spec.versions.map((version) => ({ ...version, storage: version === old }));
  return makeKinds({ ...definition, spec: { ...spec, versions } }, { ...dependencies, before: undefined });
}
