import type { Client } from '#client/client.ts';
import type { RbacRules } from '../authz/rbac.ts';
import { certificateSigners } from '../authz/certificate-signers.ts';
import { claimStatusCheck } from '../authz/claim-status.ts';
import { escalationCheck } from '../authz/escalation.ts';
import { definitionValidation } from '../custom-resources/definition/admission.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { WebhookClient } from '../webhooks/webhook-client.ts';
import type { AdmissionPlugin } from './admission.ts';
import { dynamicAdmission } from './dynamic.ts';
import type { DynamicAdmissionDependencies } from './dynamic.ts';
import { admissionPlugins } from './plugins.ts';
import { privilegedContainers } from './plugins/privileged-containers.ts';
import { writtenByServer } from './plugins/written-by-server.ts';
import type { AdmissionSettings } from './settings.ts';

export interface AdmissionChainDependencies extends Omit<DynamicAdmissionDependencies, 'identities'> {
  readonly settings: AdmissionSettings;
  readonly rbac: RbacRules;
  /** Asked for late, for it holds the plugins. */
  readonly registry: () => RegistryContext;
  /** Asked for late, for its requests pass the plugins. */
  readonly admin: () => Client;
}

export interface AdmissionChain {
  /** In the order of execution. */
  readonly plugins: readonly AdmissionPlugin[];
  /** For whoever else asks webhooks. */
  readonly webhooks: WebhookClient;
  /** Ends the connections to webhooks. */
  close(): void;
}

/** Everything that a write passes: what is always checked, then the plugins that are on. Throws an `AdmissionSettingsError`. */
export async function admissionChain({ settings, rbac, registry, admin, ...dependencies }: AdmissionChainDependencies): Promise<AdmissionChain> {
  const { authorizers, clock, log, kinds } = dependencies;
  const identities = settings.configuration === undefined ? undefined : (await import('./webhooks/identities.ts')).webhookIdentities(settings.configuration, clock);
  const dynamic = dynamicAdmission({ ...dependencies, ...(identities !== undefined && { identities }) });
  const always = [definitionValidation, writtenByServer, dynamic.expressionCheck, escalationCheck({ authorizers, rbac }), claimStatusCheck(authorizers), ...(settings.allowPrivileged === false ? [privilegedContainers] : [])];
  const certificates = new Map(certificateSigners(authorizers).map((plugin) => [plugin.name, plugin]));
  const chosen = await admissionPlugins({ settings, clock, log, kinds, authorizers, registry, admin, dynamic: dynamic.plugins, certificates });
  return { plugins: [...always, ...chosen], webhooks: dynamic.client, close: () => dynamic.close() };
}
