import { arch, platform } from 'node:process';

/** The Kubernetes version whose behaviour is served, and ours. */
export const kubernetesVersion = 'v1.36.0';
export const skiffVersion = '0.1.0';

/** The document at /version. Source: API reference "version.Info". */
export const versionInfo = {
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
