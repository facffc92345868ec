/** What holds for all namespaces, and who is exempt. Source: Kubernetes documentation, "Configure the Admission Controller". */
import type { UserInfo } from '../../request/api-call.ts';
import type { SettingsReader } from '../configuration.ts';
import type { LevelVersion, NamespacePolicy } from './namespace-policy.ts';
import { modes, nothingAsked, parseVersion } from './namespace-policy.ts';
import type { Level } from './standard.ts';
import { levels } from './standard.ts';

export interface PodSecuritySettings {
  readonly defaults: NamespacePolicy;
  readonly exemptUsers: ReadonlySet<string>;
  readonly exemptRuntimeClasses: ReadonlySet<string>;
  readonly exemptNamespaces: ReadonlySet<string>;
}

export const nothingSet: PodSecuritySettings = { defaults: nothingAsked, exemptUsers: new Set(), exemptRuntimeClasses: new Set(), exemptNamespaces: new Set() };

/** Why a pod is not looked at, in upstream's words; undefined when it is. */
export function exemptionOf(settings: PodSecuritySettings, { user, namespace }: { readonly user: UserInfo; readonly namespace: string }, runtimeClass: string | undefined): 'namespace' | 'user' | 'runtimeClass' | undefined {
  if (settings.exemptNamespaces.has(namespace)) return 'namespace';
  if (settings.exemptUsers.has(user.name)) return 'user';
  return runtimeClass !== undefined && settings.exemptRuntimeClasses.has(runtimeClass) ? 'runtimeClass' : undefined;
}

/** A PodSecurityConfiguration. Throws an `AdmissionSettingsError` with the field's path. */
export function readPodSecuritySettings(reader: SettingsReader, given: unknown): PodSecuritySettings {
  const root = reader.object(given, '(root)');
  reader.known(root, '', ['kind', 'apiVersion', 'defaults', 'exemptions']);
  const defaults = reader.object(root['defaults'], 'defaults');
  reader.known(defaults, 'defaults', modes.flatMap((mode) => [mode, `${mode}-version`]));
  const of = (mode: string): LevelVersion => {
    const level = reader.text(defaults[mode], `defaults.${mode}`, 'privileged');
    if (!levels.includes(level)) reader.fail(`defaults.${mode}`, `Invalid value: ${JSON.stringify(level)}: must be one of ${levels.join(', ')}`);
    const text = reader.text(defaults[`${mode}-version`], `defaults.${mode}-version`, 'latest');
    const version = parseVersion(text) ?? reader.fail(`defaults.${mode}-version`, `Invalid value: ${JSON.stringify(text)}: must be "latest" or "v1.x"`);
    return { level: level as Level, version };
  };
  const exemptions = reader.object(root['exemptions'], 'exemptions');
  reader.known(exemptions, 'exemptions', ['usernames', 'runtimeClasses', 'namespaces']);
  const set = (name: string): ReadonlySet<string> => new Set(reader.strings(exemptions[name], `exemptions.${name}`));
  return { defaults: { enforce: of('enforce'), audit: of('audit'), warn: of('warn') }, exemptUsers: set('usernames'), exemptRuntimeClasses: set('runtimeClasses'), exemptNamespaces: set('namespaces') };
}
