/** Which admission plugins there are and which of them run. Source: Kubernetes documentation, "Admission controllers reference". */

export interface AdmissionSettings {
  /** On beside those that are on anyway. */
  readonly enabled?: readonly string[];
  readonly disabled?: readonly string[];
  /** The only ones that are on. Default: as the other two say. */
  readonly only?: readonly string[] | undefined;
  /** Settings of plugins, by their names, as their files have them. */
  readonly configuration?: ReadonlyMap<string, unknown>;
  /** How long pods stay on a node that is not ready. Default: 300. */
  readonly notReadyTolerationSeconds?: number | undefined;
  /** How long pods stay on a node that is not heard of. Default: 300. */
  readonly unreachableTolerationSeconds?: number | undefined;
  /** Whether containers may be privileged. Default: they may. */
  readonly allowPrivileged?: boolean;
}

/** Something about plugins that whoever starts the server has to put right. */
export class AdmissionSettingsError extends Error {
  override readonly name = 'AdmissionSettingsError';
}

interface KnownPlugin {
  readonly name: string;
  readonly isOn?: true;
  /** Upstream has it, this server has not. Where it is on upstream, what it is for is behind a feature gate that is off. */
  readonly isNotBuilt?: true;
}

/** Every plugin of upstream, in its order. */
const knownPlugins: readonly KnownPlugin[] = [
  { name: 'AlwaysAdmit' },
  { name: 'NamespaceAutoProvision' },
  { name: 'NamespaceLifecycle', isOn: true },
  { name: 'NamespaceExists' },
  { name: 'LimitPodHardAntiAffinityTopology' },
  { name: 'LimitRanger', isOn: true },
  { name: 'ServiceAccount', isOn: true },
  // Off upstream, where every installer switches it on; without nodes' credentials it does nothing.
  { name: 'NodeRestriction', isOn: true },
  { name: 'TaintNodesByCondition', isOn: true },
  { name: 'AlwaysPullImages' },
  { name: 'ImagePolicyWebhook' },
  { name: 'PodSecurity', isOn: true },
  { name: 'PodNodeSelector' },
  { name: 'Priority', isOn: true },
  { name: 'DefaultTolerationSeconds', isOn: true },
  { name: 'PodTolerationRestriction' },
  { name: 'EventRateLimit' },
  { name: 'ExtendedResourceToleration' },
  { name: 'DefaultStorageClass', isOn: true },
  { name: 'StorageObjectInUseProtection', isOn: true },
  { name: 'PodGroupProtection', isNotBuilt: true },
  { name: 'OwnerReferencesPermissionEnforcement' },
  { name: 'PersistentVolumeClaimResize', isOn: true },
  { name: 'RuntimeClass', isOn: true },
  { name: 'CertificateApproval', isOn: true },
  { name: 'CertificateSigning', isOn: true },
  { name: 'ClusterTrustBundleAttest', isNotBuilt: true },
  { name: 'CertificateSubjectRestriction', isOn: true },
  { name: 'DefaultIngressClass', isOn: true },
  { name: 'DenyServiceExternalIPs' },
  { name: 'PodTopologyLabels', isOn: true },
  { name: 'PodGroupWorkloadExists', isNotBuilt: true },
  { name: 'NodeDeclaredFeatureValidator', isOn: true },
  { name: 'JobValidation', isNotBuilt: true },
  { name: 'PodResizeValidator', isOn: true },
  { name: 'MutatingAdmissionPolicy', isOn: true },
  { name: 'MutatingAdmissionWebhook', isOn: true },
  { name: 'ValidatingAdmissionPolicy', isOn: true },
  { name: 'ValidatingAdmissionWebhook', isOn: true },
  { name: 'ResourceQuota', isOn: true },
  { name: 'AlwaysDeny' },
];

/** In the order of execution. */
export const pluginNames: readonly string[] = knownPlugins.filter(({ isNotBuilt }) => isNotBuilt !== true).map(({ name }) => name);
/** Those that run when nobody says otherwise. */
export const defaultPlugins: readonly string[] = knownPlugins.filter(({ isOn }) => isOn === true).map(({ name }) => name);

/** Throws an `AdmissionSettingsError` with the original's words for names that there are not. */
export function checkPluginNames({ enabled = [], disabled = [], only }: AdmissionSettings): void {
  if (only !== undefined && (enabled.length > 0 || disabled.length > 0)) {
    throw new AdmissionSettingsError('admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive');
  }
  for (const [flag, names] of [['admission-control', only ?? []], ['enable-admission-plugins', enabled], ['disable-admission-plugins', disabled]] as const) {
    const unknown = names.find((name) => !knownPlugins.some((each) => each.name === name));
    if (unknown !== undefined) throw new AdmissionSettingsError(`${flag} plugin ${JSON.stringify(unknown)} is unknown`);
  }
  const both = enabled.filter((name) => disabled.includes(name)).sort();
  if (both.length > 0) throw new AdmissionSettingsError(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  const missing = [...enabled, ...(only ?? [])].find((name) => !pluginNames.includes(name));
  if (missing !== undefined) throw new AdmissionSettingsError(`admission plugin ${JSON.stringify(missing)} is not built`);
}

/** The plugins that run, in order. */
export function chosenPlugins({ enabled = [], disabled = [], only }: AdmissionSettings): readonly string[] {
  return pluginNames.filter((name) => (only === undefined ? enabled.includes(name) || (defaultPlugins.includes(name) && !disabled.includes(name)) : only.includes(name)));
}
