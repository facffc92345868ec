import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { Service } from '#api/core/service.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { CriError } from '../cri/cri.ts';
import type { AuthConfig, PodSandboxConfig } from '../cri/records.ts';
import type { NodePlatform, PodFacts } from '../platform.ts';
import { planContainerConfig } from './container-config.ts';
import { containerResources } from './container-resources.ts';
import { environmentReferences, planEnvironment } from './environment.ts';
import { containerTarget } from './events.ts';
import { ImageError } from './image-puller.ts';
import type { ImagePuller, ImageRequest } from './image-puller.ts';
import { runHook } from './lifecycle-hook.ts';
import type { HookDependencies } from './lifecycle-hook.ts';
import type { ContainerStart, WaitingReason } from './plan-pod.ts';

/** How the kubelet finds what a pod refers to. */
export interface ConfigLookup {
  /** Data of a ConfigMap, base64 data of a Secret; undefined when there is none. Throws when the API cannot be asked. */
  configMap(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  secret(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Services of the namespace and of `default`. */
  services(namespace: string): readonly Service[];
  /** Credentials for an image, from the pod's pull secrets. */
  pullCredentials(pod: Pod, image: string): Promise<readonly AuthConfig[]>;
}

export interface StartDependencies extends HookDependencies {
  readonly platform: NodePlatform;
  readonly recorder: EventRecorder;
  readonly puller: ImagePuller;
  readonly lookup: ConfigLookup;
}

export interface StartOptions {
  readonly sandboxId: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly facts: PodFacts;
  readonly volumes: ReadonlyMap<string, string>;
  readonly hostsFile: (ofNode: string) => string;
  readonly targetId?: string | undefined;
  /** Aborts when the pod is to be stopped: nothing that takes long is waited for any more. */
  readonly signal: AbortSignal;
  /** Called with the new container's id before it starts; the result once its postStart hook has ended. */
  readonly holdBack: (containerId: string) => () => void;
}

export interface StartFailure extends WaitingReason {
  /** When to try again; wall clock, ms. Undefined: after the usual pause. */
  readonly retryAtMs?: number | undefined;
}

/** Starts one container; answers why it could not be, with the events sent. */
export async function startContainer(pod: Pod, { container, attempt }: ContainerStart, options: StartOptions, dependencies: StartDependencies): Promise<StartFailure | undefined> {
  const { platform, recorder, puller, lookup } = dependencies;
  const { runtime } = platform;
  const about = containerTarget(pod, container.name);
  const fail = (reason: string, message: string): StartFailure => {
    recorder.event(about, 'Warning', 'Failed', `Error: ${message}`);
    return { reason, message };
  };
  let config;
  try {
    const pull = (what: ImageRequest['container']): ReturnType<ImagePuller['ensure']> => puller.ensure({
      pod, container: what, about, sandbox: options.sandboxConfig, credentials: () => lookup.pullCredentials(pod, what.image ?? ''), signal: options.signal,
    });
    const images = new Map<string, string>();
    for (const volume of imageVolumesOf(pod, container)) images.set(volume.name, (await pull(volume)).ref);
    const { ref, image } = await pull(container);
    const environment = planEnvironment(pod, container, {
      ...options.facts, services: lookup.services(pod.metadata.namespace), ...(await referencesOf(pod, container, lookup)),
    });
    const mounts = await platform.files.mountsFor(pod, container, { attempt, volumes: options.volumes, images, environment, hostsFile: options.hostsFile });
    const resources = containerResources(pod, container, platform.machine.memoryBytes);
    config = planContainerConfig(pod, container, { restartCount: attempt, imageRef: ref, image, environment, mounts, resources, targetId: options.targetId });
  } catch (error) {
    if (options.signal.aborted) return { reason: 'ContainerCreating', message: '' };
    if (error instanceof ImageError) {
      if (error.reason !== 'ErrImageNeverPull') recorder.event(about, 'Warning', 'Failed', `Error: ${error.reason}`);
      else recorder.event(about, 'Warning', 'Failed', 'Error: ErrImageNeverPull');
      return { reason: error.reason, message: error.message, retryAtMs: error.retryAtMs };
    }
    if (error instanceof CriError) return fail('CreateContainerError', error.message);
    return fail('CreateContainerConfigError', error instanceof Error ? error.message : String(error));
  }
  let containerId;
  try {
    containerId = await runtime.createContainer({ podSandboxId: options.sandboxId, config, sandboxConfig: options.sandboxConfig });
  } catch (error) {
    return fail('CreateContainerError', messageOf(error));
  }
  recorder.event(about, 'Normal', 'Created', 'Container created');
  const release = options.holdBack(containerId);
  try {
    await runtime.startContainer(containerId);
    recorder.event(about, 'Normal', 'Started', 'Container started');
    return await postStart(pod, container, containerId, options.facts.podIps[0] ?? '', options.signal, dependencies);
  } catch (error) {
    return fail('RunContainerError', messageOf(error));
  } finally {
    release();
  }
}

/** The images that the container sees as volumes. */
function imageVolumesOf(pod: Pod, container: Container): readonly (ImageRequest['container'] & { readonly name: string })[] {
  const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name));
  return (pod.spec.volumes ?? []).flatMap(({ name, image }) => {
    if (image === undefined || !mounted.has(name)) return [];
    return [{ name, image: image.reference ?? '', ...(image.pullPolicy !== undefined && { imagePullPolicy: image.pullPolicy }) }];
  });
}

/** The container has not started before its hook has ended; when that fails it is stopped. */
async function postStart(pod: Pod, container: Container, containerId: string, podIp: string, signal: AbortSignal, dependencies: StartDependencies): Promise<StartFailure | undefined> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return undefined;
  try {
    // A hook may take any time: only then has the container started.
    await runHook(hook, { container, containerId, podIp, timeoutMs: 60 * 60_000, signal }, dependencies);
    return undefined;
  } catch {
    if (signal.aborted) return undefined;
    dependencies.recorder.event(containerTarget(pod, container.name), 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
    dependencies.recorder.event(containerTarget(pod, container.name), 'Normal', 'Killing', `FailedPostStartHook`);
    await dependencies.runtime.stopContainer(containerId, pod.spec.terminationGracePeriodSeconds ?? 30);
    return { reason: 'PostStartHookError', message: 'PostStartHook failed' };
  }
}

async function referencesOf(pod: Pod, container: Container, lookup: ConfigLookup) {
  const { namespace } = pod.metadata;
  const names = environmentReferences(container);
  const all = async (list: readonly string[], get: (name: string) => Promise<Readonly<Record<string, string>> | undefined>) =>
    new Map(await Promise.all(list.map(async (name) => [name, await get(name)] as const)));
  return {
    configMaps: await all(names.configMaps, (name) => lookup.configMap(namespace, name)),
    secrets: await all(names.secrets, (name) => lookup.secret(namespace, name)),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

