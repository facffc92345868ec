/** What has a word in every write. */
import type { AdmissionSettings } from '#apiserver/admission/settings.ts';
import { AdmissionSettingsError, checkPluginNames, defaultPlugins, pluginNames } from '#apiserver/admission/settings.ts';
import { UserError } from '../../fail.ts';
import type { FlagGroup } from '../flags.ts';
import { listOption, numberOption, switchOption, textOption } from '../flags.ts';

export interface AdmissionFlags {
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  readonly admissionControl?: readonly string[];
  readonly admissionControlConfigFile?: string;
  readonly defaultNotReadyTolerationSeconds?: number;
  readonly defaultUnreachableTolerationSeconds?: number;
  readonly allowPrivileged: boolean;
}

export const admissionFlags: FlagGroup = {
  title: 'Admission:',
  options: [
    listOption('--enable-admission-plugins <names>', `plugins in addition to those that are on: ${defaultPlugins.join(', ')}. There are: ${pluginNames.join(', ')}`),
    listOption('--disable-admission-plugins <names>', 'plugins that are on otherwise'),
    listOption('--admission-control <names>', 'deprecated: all plugins that are to be on'),
    textOption('--admission-control-config-file <file>', 'settings of plugins: an AdmissionConfiguration'),
    numberOption('--default-not-ready-toleration-seconds <seconds>', 'how long pods stay on a node that is not ready', 300),
    numberOption('--default-unreachable-toleration-seconds <seconds>', 'how long pods stay on a node that is not heard of', 300),
    switchOption('--allow-privileged', 'take privileged containers; the original\'s default is false', true),
  ],
};

/** Throws a `UserError` for unknown plugins and settings that cannot be read. */
export async function admissionSettingsOf(flags: AdmissionFlags): Promise<AdmissionSettings> {
  const { enableAdmissionPlugins: enabled = [], disableAdmissionPlugins: disabled = [], admissionControl: only, admissionControlConfigFile: file } = flags;
  try {
    checkPluginNames({ enabled, disabled, only });
    const configuration = file === undefined ? new Map<string, unknown>() : (await import('#apiserver/admission/configuration.ts')).readAdmissionConfiguration(file);
    return {
      enabled, disabled, only, configuration,
      notReadyTolerationSeconds: flags.defaultNotReadyTolerationSeconds, unreachableTolerationSeconds: flags.defaultUnreachableTolerationSeconds,
      allowPrivileged: flags.allowPrivileged,
    };
  } catch (error) {
    throw error instanceof AdmissionSettingsError ? new UserError(error.message, { cause: error.cause }) : error;
  }
}
