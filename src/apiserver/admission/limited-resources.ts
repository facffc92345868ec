/** Resources that nobody gets without a quota. Source: API reference, apiserver.config.k8s.io/v1 ResourceQuotaConfiguration. */
import { SettingsReader } from './configuration.ts';

export interface LimitedResource {
  readonly group: string;
  readonly resource: string;
  /** What of a usage counts: every resource with one of these in its name. */
  readonly matchContains: readonly string[];
}

/** Throws an `AdmissionSettingsError` with the field's path. */
export function readLimitedResources(given: unknown): readonly LimitedResource[] {
  const reader = new SettingsReader('ResourceQuota');
  const root = reader.object(given, '(root)');
  reader.known(root, '', ['kind', 'apiVersion', 'limitedResources']);
  return reader.list(root['limitedResources'], 'limitedResources').map((each, index) => {
    const path = `limitedResources[${index}]`;
    const limited = reader.object(each, path);
    if (limited['matchScopes'] !== undefined) reader.fail(`${path}.matchScopes`, 'not built');
    reader.known(limited, path, ['apiGroup', 'resource', 'matchContains']);
    return { group: reader.text(limited['apiGroup'], `${path}.apiGroup`), resource: reader.text(limited['resource'], `${path}.resource`), matchContains: reader.strings(limited['matchContains'], `${path}.matchContains`) };
  });
}
