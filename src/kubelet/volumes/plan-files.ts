import type { ConfigMap } from '#api/core/config-map.ts';
import type { Pod } from '#api/core/pod.ts';
import type { Secret } from '#api/core/secret.ts';
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '#api/core/volume.ts';
import type { PodFacts } from '../platform.ts';
import { VolumeError } from '../platform.ts';
import { ContainerConfigError, fieldValue, resourceValue } from '../pod/environment.ts';
import type { VolumeFile } from './atomic-writer.ts';

/** What volumes show, looked up beforehand. */
export interface VolumeSources {
  readonly configMaps: ReadonlyMap<string, ConfigMap | undefined>;
  readonly secrets: ReadonlyMap<string, Secret | undefined>;
  /** Tokens by `tokenKey`. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly facts: PodFacts;
}

export interface VolumeReferences {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
  readonly tokens: readonly TokenWish[];
}

export interface TokenWish {
  readonly audience: string;
  readonly expirationSeconds: number;
}

const defaultMode = 0o644;

/** Whether a volume is made of files that come from the API. */
export function isMadeOfFiles(volume: Volume): boolean {
  return volume.configMap !== undefined || volume.secret !== undefined || volume.downwardAPI !== undefined || volume.projected !== undefined;
}

export function tokenKey({ audience, expirationSeconds }: TokenWish): string {
  return `${audience}/${expirationSeconds}`;
}

/** What a pod's volumes need to be looked up. Pure. */
export function volumeReferences(pod: Pod): VolumeReferences {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const tokens = new Map<string, TokenWish>();
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    if (configMap?.name !== undefined) configMaps.add(configMap.name);
    if (secret?.secretName !== undefined) secrets.add(secret.secretName);
    for (const source of projected?.sources ?? []) {
      if (source.configMap?.name !== undefined) configMaps.add(source.configMap.name);
      if (source.secret?.name !== undefined) secrets.add(source.secret.name);
      if (source.serviceAccountToken !== undefined) {
        const wish = wishOf(source.serviceAccountToken);
        tokens.set(tokenKey(wish), wish);
      }
    }
  }
  return { configMaps: [...configMaps], secrets: [...secrets], tokens: [...tokens.values()] };
}

function wishOf(token: NonNullable<VolumeProjection['serviceAccountToken']>): TokenWish {
  return { audience: token.audience ?? '', expirationSeconds: token.expirationSeconds ?? 3600 };
}

/** The files of one volume. Pure. @throws VolumeError when something it needs is not there */
export function planVolumeFiles(pod: Pod, volume: Volume, sources: VolumeSources): readonly VolumeFile[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) return fromConfigMap(configMap, configMap.defaultMode ?? defaultMode, sources);
  if (secret !== undefined) return fromSecret({ ...secret, name: secret.secretName }, secret.defaultMode ?? defaultMode, sources);
  if (downwardAPI !== undefined) return fromDownwardApi(downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultMode, pod, sources);
  const files = new Map<string, VolumeFile>();
  for (const source of projected?.sources ?? []) {
    for (const file of fromProjection(source, projected?.defaultMode ?? defaultMode, pod, sources)) files.set(file.path, file);
  }
  return [...files.values()];
}

function fromProjection(source: VolumeProjection, mode: number, pod: Pod, sources: VolumeSources): readonly VolumeFile[] {
  if (source.configMap !== undefined) return fromConfigMap(source.configMap, mode, sources);
  if (source.secret !== undefined) return fromSecret(source.secret, mode, sources);
  if (source.downwardAPI !== undefined) return fromDownwardApi(source.downwardAPI.items ?? [], mode, pod, sources);
  if (source.serviceAccountToken !== undefined) {
    const token = sources.tokens.get(tokenKey(wishOf(source.serviceAccountToken)));
    if (token === undefined) throw new VolumeError('failed to fetch token');
    return [{ path: source.serviceAccountToken.path, content: Buffer.from(token), mode }];
  }
  throw new VolumeError('the projected volume has a source of a kind that this node does not know');
}

interface Reference {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

function fromConfigMap(reference: Reference, mode: number, sources: VolumeSources): readonly VolumeFile[] {
  const name = reference.name ?? '';
  const found = sources.configMaps.get(name);
  if (found === undefined) {
    if (reference.optional === true) return [];
    throw new VolumeError(`configmap "${name}" not found`);
  }
  const contents = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(found.data ?? {})) contents.set(key, Buffer.from(text));
  for (const [key, text] of Object.entries(found.binaryData ?? {})) contents.set(key, Buffer.from(text, 'base64'));
  return selected(contents, reference, mode, 'configmap references non-existent config key');
}

function fromSecret(reference: Reference, mode: number, sources: VolumeSources): readonly VolumeFile[] {
  const name = reference.name ?? '';
  const found = sources.secrets.get(name);
  if (found === undefined) {
    if (reference.optional === true) return [];
    throw new VolumeError(`secret "${name}" not found`);
  }
  const contents = new Map(Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const));
  return selected(contents, reference, mode, 'references non-existent secret key');
}

function selected(contents: ReadonlyMap<string, Buffer>, { items, optional }: Reference, mode: number, complaint: string): readonly VolumeFile[] {
  if (items === undefined) return [...contents].map(([path, content]) => ({ path, content, mode }));
  return items.flatMap((item) => {
    const content = contents.get(item.key);
    if (content !== undefined) return [{ path: item.path, content, mode: item.mode ?? mode }];
    if (optional === true) return [];
    throw new VolumeError(`${complaint}: ${item.key}`);
  });
}

function fromDownwardApi(items: readonly DownwardAPIVolumeFile[], mode: number, pod: Pod, { facts }: VolumeSources): readonly VolumeFile[] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    try {
      return { path, mode: own ?? mode, content: Buffer.from(fieldRef === undefined ? resourceText(pod, resourceFieldRef, facts) : fieldValue(pod, fieldRef.fieldPath, facts)) };
    } catch (error) {
      if (error instanceof ContainerConfigError) throw new VolumeError(error.message);
      throw error;
    }
  });
}

function resourceText(pod: Pod, reference: DownwardAPIVolumeFile['resourceFieldRef'], facts: PodFacts): string {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === reference?.containerName);
  if (container === undefined || reference === undefined) throw new VolumeError(`container ${reference?.containerName ?? ''} not found`);
  return resourceValue(container, reference.resource, reference.divisor, facts.nodeAllocatable);
}
