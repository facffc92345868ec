import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import type { AdmissionPlugin } from './admission.ts';
import { certificateSubjectRestriction } from './plugins/certificate-subject-restriction.ts';
import { claimResize } from './plugins/claim-resize.ts';
import { defaultIngressClass } from './plugins/default-ingress-class.ts';
import { defaultStorageClass } from './plugins/default-storage-class.ts';
import { defaultTolerationSeconds } from './plugins/default-toleration-seconds.ts';
import { limitRanger } from './plugins/limit-ranger.ts';
import { namespaceLifecycle } from './plugins/namespace-lifecycle.ts';
import { nodeDeclaredFeatureValidator } from './plugins/node-declared-features.ts';
import { nodeRestriction } from './plugins/node-restriction.ts';
import { podResizeValidator } from './plugins/pod-resize-validator.ts';
import { podSecurity } from './plugins/pod-security.ts';
import { podTopologyLabels } from './plugins/pod-topology-labels.ts';
import { priority } from './plugins/priority.ts';
import { resourceQuota } from './plugins/resource-quota.ts';
import { runtimeClass } from './plugins/runtime-class.ts';
import { serviceAccount } from './plugins/service-account.ts';
import { storageObjectInUseProtection } from './plugins/storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './plugins/taint-nodes-by-condition.ts';
import { nothingSet } from './pod-security/settings.ts';
import type { AdmissionSettings } from './settings.ts';
import { chosenPlugins } from './settings.ts';

export interface PluginDependencies {
  readonly settings: AdmissionSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly kinds: ServedKinds;
  readonly authorizers: readonly Authorizer[];
  /** Asked for late, for it holds the plugins. */
  readonly registry: () => RegistryContext;
  /** Asked for late, for its requests pass the plugins. */
  readonly admin: () => Client;
  /** Those that ask what is configured in the cluster itself, by name. */
  readonly dynamic: ReadonlyMap<string, AdmissionPlugin>;
  /** Those that check what belongs to the authorizers, by name. */
  readonly certificates: ReadonlyMap<string, AdmissionPlugin>;
}

type Make = (dependencies: PluginDependencies) => AdmissionPlugin | Promise<AdmissionPlugin>;

/** By name. What is off by default is loaded when somebody switches it on. Their order is that of `settings.ts`. */
export const pluginMakers: Readonly<Record<string, Make>> = {
  AlwaysAdmit: async () => (await import('./plugins/always.ts')).alwaysAdmit,
  NamespaceAutoProvision: async ({ admin }) => (await import('./plugins/namespace-auto-provision.ts')).namespaceAutoProvision(admin),
  NamespaceLifecycle: () => namespaceLifecycle,
  NamespaceExists: async () => (await import('./plugins/namespace-exists.ts')).namespaceExists,
  LimitPodHardAntiAffinityTopology: async () => (await import('./plugins/pod-anti-affinity.ts')).limitPodHardAntiAffinityTopology,
  LimitRanger: () => limitRanger,
  ServiceAccount: () => serviceAccount,
  NodeRestriction: () => nodeRestriction,
  TaintNodesByCondition: () => taintNodesByCondition,
  AlwaysPullImages: async () => (await import('./plugins/always-pull-images.ts')).alwaysPullImages,
  ImagePolicyWebhook: async ({ settings, clock, log }) => (await import('./plugins/image-policy.ts')).imagePolicy(settings.configuration?.get('ImagePolicyWebhook'), { clock, log }),
  PodSecurity: async ({ settings }) => podSecurity(await podSecuritySettings(settings.configuration?.get('PodSecurity'))),
  PodNodeSelector: async ({ settings }) => (await import('./plugins/pod-node-selector.ts')).podNodeSelector(settings.configuration?.get('PodNodeSelector')),
  Priority: () => priority,
  DefaultTolerationSeconds: ({ settings }) => defaultTolerationSeconds({ notReady: settings.notReadyTolerationSeconds, unreachable: settings.unreachableTolerationSeconds }),
  PodTolerationRestriction: async ({ settings }) => (await import('./plugins/pod-toleration-restriction.ts')).podTolerationRestriction(settings.configuration?.get('PodTolerationRestriction')),
  EventRateLimit: async ({ settings, clock }) => (await import('./plugins/event-rate-limit.ts')).eventRateLimit(settings.configuration?.get('EventRateLimit'), clock),
  ExtendedResourceToleration: async () => (await import('./plugins/extended-resource-toleration.ts')).extendedResourceToleration,
  DefaultStorageClass: () => defaultStorageClass,
  StorageObjectInUseProtection: () => storageObjectInUseProtection,
  OwnerReferencesPermissionEnforcement: async (dependencies) => (await import('./plugins/owner-references-permission.ts')).ownerReferencesPermission(dependencies),
  PersistentVolumeClaimResize: () => claimResize,
  RuntimeClass: () => runtimeClass,
  CertificateApproval: ({ certificates }) => named(certificates, 'CertificateApproval'),
  CertificateSigning: ({ certificates }) => named(certificates, 'CertificateSigning'),
  CertificateSubjectRestriction: () => certificateSubjectRestriction,
  DefaultIngressClass: () => defaultIngressClass,
  DenyServiceExternalIPs: async () => (await import('./plugins/deny-service-external-ips.ts')).denyServiceExternalIps,
  PodTopologyLabels: () => podTopologyLabels,
  NodeDeclaredFeatureValidator: () => nodeDeclaredFeatureValidator,
  PodResizeValidator: () => podResizeValidator,
  MutatingAdmissionPolicy: ({ dynamic }) => named(dynamic, 'MutatingAdmissionPolicy'),
  MutatingAdmissionWebhook: ({ dynamic }) => named(dynamic, 'MutatingAdmissionWebhook'),
  ValidatingAdmissionPolicy: ({ dynamic }) => named(dynamic, 'ValidatingAdmissionPolicy'),
  ValidatingAdmissionWebhook: ({ dynamic }) => named(dynamic, 'ValidatingAdmissionWebhook'),
  ResourceQuota: async ({ settings, registry }) => resourceQuota(registry, await limitedResources(settings.configuration?.get('ResourceQuota'))),
  AlwaysDeny: async () => (await import('./plugins/always.ts')).alwaysDeny,
};

/** The plugins that are on, in the order of execution, which is upstream's. Throws an `AdmissionSettingsError`. */
export async function admissionPlugins(dependencies: PluginDependencies): Promise<readonly AdmissionPlugin[]> {
  const made: AdmissionPlugin[] = [];
  for (const name of chosenPlugins(dependencies.settings)) {
    const plugin = await pluginMakers[name]?.(dependencies);
    if (plugin !== undefined) made.push(plugin);
  }
  return made;
}

function named(plugins: ReadonlyMap<string, AdmissionPlugin>, name: string): AdmissionPlugin {
  const found = plugins.get(name);
  if (found === undefined) throw new Error(`admission plugin ${name} was not made`);
  return found;
}

async function podSecuritySettings(given: unknown): Promise<Parameters<typeof podSecurity>[0]> {
  if (given === undefined) return nothingSet;
  const { SettingsReader } = await import('./configuration.ts');
  const { readPodSecuritySettings } = await import('./pod-security/settings.ts');
  return readPodSecuritySettings(new SettingsReader('PodSecurity'), given);
}

async function limitedResources(given: unknown): Promise<Parameters<typeof resourceQuota>[1]> {
  return given === undefined ? [] : (await import('./limited-resources.ts')).readLimitedResources(given);
}
