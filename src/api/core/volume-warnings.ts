/** What writers of volumes are told beside the answer. Source: behaviour of the v1.36 API server. */
import type { PersistentVolumeClaimSpec, PersistentVolumeSource, Volume, VolumeProjection, VolumeSource } from './volume.ts';
import { warnOfFraction } from './container-warnings.ts';

/** Types of volumes whose drivers have gone. One is named as the server's inner form has it. */
const retired: readonly (readonly [keyof VolumeSource, string, string?])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export function* warnOfRetired(source: VolumeSource | PersistentVolumeSource, path: string): Iterable<string> {
  for (const [type, message, name = type] of retired) if (type in source && (source as VolumeSource)[type] !== undefined) yield `${path}.${name}: ${message}`;
}

export function* warnOfClaimSpec({ resources }: PersistentVolumeClaimSpec, path: string): Iterable<string> {
  yield* warnOfFraction(resources.requests?.['storage'], `${path}.resources.requests[storage]`);
}

/** Volumes of a pod. */
export function* warnOfVolumes(volumes: readonly Volume[], path: string): Iterable<string> {
  for (const [index, volume] of volumes.entries()) {
    yield* warnOfRetired(volume, `${path}[${index}]`);
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template !== undefined) yield* warnOfClaimSpec(template.spec, `${path}[${index}].ephemeral.volumeClaimTemplate.spec`);
  }
  const tokens = new Set(volumes.flatMap((volume) => (volume.projected?.sources ?? []).flatMap((source) => source.serviceAccountToken?.path ?? [])));
  if (tokens.size === 0) return;
  for (const [index, volume] of volumes.entries()) {
    for (const source of volume.projected?.sources ?? []) yield* warnOfTokenPaths(source, `${path}[${index}].projected.sources`, tokens);
  }
}

const fileSources = [['configMap', 'configMap'], ['secret', 'secrets'], ['downwardAPI', 'downwardAPI']] as const;

/** Files that take the place of a token. */
function* warnOfTokenPaths(source: VolumeProjection, path: string, tokens: ReadonlySet<string>): Iterable<string> {
  for (const [type, name] of fileSources) {
    for (const [index, item] of (source[type]?.items ?? []).entries()) {
      if (tokens.has(item.path)) yield `${path}.${name}[${index}]: has duplicated path with ServiceAccountToken ${JSON.stringify(item.path)}`;
    }
  }
}
