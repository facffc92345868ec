import { arch, platform } from 'node:process';

/** The Kubernetes version whose behaviour is served, and ours. */
export const kubernetesVersion = 'v1.36.0';
export const skiffVersion = '0.1.0';

/** The document at /version. Source: API reference "version.Info". */
export interface VersionInfo extends Readonly<Omit<typeof ownVersion, 'gitVersion'>> {
  readonly gitVersion: string;
}

const ownVersion = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: `${kubernetesVersion}+skiff-${skiffVersion}`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node-${process.version}`,
  compiler: 'v8',
  platform: `${platform}/${arch === 'x64' ? 'amd64' : arch}`,
} as const;

/** What this program calls itself where nobody says otherwise. */
export const versionInfo: VersionInfo = ownVersion;

/** The same with another name, which has to be of the same release. Throws an `Error` in upstream's words. */
export function versionCalled(gitVersion: string): VersionInfo {
  const release = /^v?(\d+\.\d+\.\d+)(?:-[\w.-]+)?(?:\+[\w.-]+)?$/.exec(gitVersion)?.[1];
  if (release === undefined) throw new Error(`could not parse "${gitVersion}" as version`);
  if (`v${release}` !== kubernetesVersion) throw new Error(`version "${gitVersion}" must match major/minor/patch of default version "${ownVersion.gitVersion}"`);
  return { ...ownVersion, gitVersion };
}
