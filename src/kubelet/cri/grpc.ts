import { connect } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { CriError, isCriError } from './cri.ts';
import type { CallOptions, CriErrorCode, ImageService, RuntimeService } from './cri.ts';
import type {
  Container, ContainerEvent, ContainerStats, ContainerStatus, ExecSyncResult, FilesystemUsage, Image, PodSandbox,
  PodSandboxStats, PodSandboxStatus, RuntimeCondition, VersionInfo,
} from './records.ts';
import { GrpcChannel, GrpcError, grpcStatus } from './grpc-channel.ts';
import { streamCommand, streamPort } from './streaming.ts';
import { decodeMessage, encodeMessage } from './wire-codec.ts';
import type { Plain } from './wire-codec.ts';
import type { MessageName } from './wire-fields.ts';

export interface RuntimeConnection {
  /** The path of the socket. */
  readonly socket: string;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  close(): void;
}

/** The kubelet's default for `--runtime-request-timeout`. */
const requestTimeoutMs = 2 * 60_000;
/** Sandboxes wait for the network plugin, pulls for registries. */
const sandboxTimeoutMs = 4 * 60_000;
const pullTimeoutMs = 30 * 60_000;
/**
 * Speaks CRI v1 to the runtime behind `endpoint` (`unix:///run/containerd/containerd.sock` or a bare path). Connects on
 * the first call; calls fail with `unavailable` while nothing listens, and later ones try again.
 */
export function connectRuntime(endpoint: string, dependencies: { readonly clock: Clock }): RuntimeConnection {
  const path = endpoint.replace(/^unix:(\/\/)?/, '');
  const channel = new GrpcChannel({ connect: () => connect(path), clock: dependencies.clock });
  const call = unaryCaller(channel);
  return {
    socket: path,
    runtime: runtimeOver(channel, call),
    images: imagesOver(call),
    close: () => channel.close(),
  };
}

type UnaryCall = (
  method: string,
  request: { readonly type: MessageName; readonly value: object },
  response: MessageName,
  options?: CallOptions & { readonly timeoutMs?: number },
) => Promise<Plain>;

function unaryCaller(channel: GrpcChannel): UnaryCall {
  return async (method, request, response, options) => {
    try {
      const answer = await channel.unary(`/runtime.v1.${method}`, encodeMessage(request.type, request.value as Plain), { signal: options?.signal, timeoutMs: options?.timeoutMs ?? requestTimeoutMs });
      return decodeMessage(response, answer);
    } catch (error) {
      throw toCriError(error);
    }
  };
}

function runtimeOver(channel: GrpcChannel, call: UnaryCall): RuntimeService {
  const runtime = (method: string, type: MessageName, value: object, response: MessageName, options?: CallOptions & { readonly timeoutMs?: number }): Promise<Plain> =>
    call(`RuntimeService/${method}`, { type, value }, response, options);
  const send = async (method: string, type: MessageName, value: object, options?: CallOptions & { readonly timeoutMs?: number }): Promise<void> => {
    await runtime(method, type, value, 'Empty', options);
  };
  /** containerd 1.6 answers NotFound where the contract says that gone is success. */
  const sendOnce = async (...request: Parameters<typeof send>): Promise<void> => {
    try {
      await send(...request);
    } catch (error) {
      if (!isCriError(error, 'notFound')) throw error;
    }
  };
  return {
    version: async (options) => (await runtime('Version', 'VersionRequest', {}, 'VersionResponse', options)) as unknown as VersionInfo,
    async status(options) {
      const answer = await runtime('Status', 'StatusRequest', {}, 'StatusResponse', options);
      const conditions = (answer['status'] as { conditions: RuntimeCondition[] } | undefined)?.conditions ?? [];
      return { conditions, handlers: (answer['runtimeHandlers'] as { name: string }[]).map((handler) => handler.name) };
    },
    updateRuntimeConfig: (podCidr, options) =>
      send('UpdateRuntimeConfig', 'UpdateRuntimeConfigRequest', { runtimeConfig: { networkConfig: { podCidr } } }, options),

    async runPodSandbox(config, options) {
      const value = { config, runtimeHandler: options?.runtimeHandler };
      const answer = await runtime('RunPodSandbox', 'RunPodSandboxRequest', value, 'PodSandboxId', { ...options, timeoutMs: sandboxTimeoutMs });
      return answer['podSandboxId'] as string;
    },
    stopPodSandbox: (podSandboxId, options) => sendOnce('StopPodSandbox', 'PodSandboxId', { podSandboxId }, options),
    removePodSandbox: (podSandboxId, options) => sendOnce('RemovePodSandbox', 'PodSandboxId', { podSandboxId }, options),
    async podSandboxStatus(podSandboxId, options) {
      const answer = await runtime('PodSandboxStatus', 'PodSandboxId', { podSandboxId }, 'PodSandboxStatusResponse', options);
      return answer['status'] as PodSandboxStatus;
    },
    async listPodSandbox(filter, options) {
      const answer = await runtime('ListPodSandbox', 'ListPodSandboxRequest', { filter: filterMessage(filter) }, 'ListPodSandboxResponse', options);
      return answer['items'] as PodSandbox[];
    },

    async createContainer(request, options) {
      const answer = await runtime('CreateContainer', 'CreateContainerRequest', request, 'ContainerId', options);
      return answer['containerId'] as string;
    },
    startContainer: (containerId, options) => send('StartContainer', 'ContainerId', { containerId }, options),
    stopContainer: (containerId, timeout, options) =>
      sendOnce('StopContainer', 'StopContainerRequest', { containerId, timeout }, { ...options, timeoutMs: requestTimeoutMs + timeout * 1000 }),
    removeContainer: (containerId, options) => sendOnce('RemoveContainer', 'ContainerId', { containerId }, options),
    async listContainers(filter, options) {
      const answer = await runtime('ListContainers', 'ListContainersRequest', { filter: filterMessage(filter) }, 'ListContainersResponse', options);
      return answer['containers'] as Container[];
    },
    async containerStatus(containerId, options) {
      const answer = await runtime('ContainerStatus', 'ContainerId', { containerId }, 'ContainerStatusResponse', options);
      return answer['status'] as ContainerStatus;
    },
    updateContainerResources: (containerId, linux, options) =>
      send('UpdateContainerResources', 'UpdateContainerResourcesRequest', { containerId, linux }, options),
    reopenContainerLog: (containerId, options) => send('ReopenContainerLog', 'ContainerId', { containerId }, options),

    async execSync(containerId, command, timeout, options) {
      const timeoutMs = timeout > 0 ? requestTimeoutMs + timeout * 1000 : requestTimeoutMs;
      return (await runtime('ExecSync', 'ExecSyncRequest', { containerId, command, timeout }, 'ExecSyncResponse', { ...options, timeoutMs })) as unknown as ExecSyncResult;
    },
    async exec(request, streams, options) {
      const wanted = { stdin: streams.stdin !== undefined, stdout: streams.stdout !== undefined, stderr: streams.stderr !== undefined && request.tty !== true };
      const answer = await runtime('Exec', 'ExecRequest', { ...request, ...wanted }, 'StreamingUrl', options);
      return streamCommand(answer['url'] as string, streams, request.tty === true, options);
    },
    async attach(request, streams, options) {
      const wanted = { stdin: streams.stdin !== undefined, stdout: streams.stdout !== undefined, stderr: streams.stderr !== undefined && request.tty !== true };
      const answer = await runtime('Attach', 'AttachRequest', { ...request, ...wanted }, 'StreamingUrl', options);
      await streamCommand(answer['url'] as string, streams, request.tty === true, options);
    },
    async portForward(podSandboxId, port, connection, options) {
      const answer = await runtime('PortForward', 'PortForwardRequest', { podSandboxId, port: [port] }, 'StreamingUrl', options);
      await streamPort(answer['url'] as string, port, connection, options);
    },

    async containerStats(containerId, options) {
      const answer = await runtime('ContainerStats', 'ContainerId', { containerId }, 'ContainerStatsResponse', options);
      return answer['stats'] as ContainerStats;
    },
    async listContainerStats(filter, options) {
      const answer = await runtime('ListContainerStats', 'ListContainerStatsRequest', { filter }, 'ListContainerStatsResponse', options);
      return answer['stats'] as ContainerStats[];
    },
    async listPodSandboxStats(filter, options) {
      const answer = await runtime('ListPodSandboxStats', 'ListPodSandboxStatsRequest', { filter }, 'ListPodSandboxStatsResponse', options);
      return answer['stats'] as PodSandboxStats[];
    },

    async *containerEvents(signal) {
      try {
        for await (const event of serverStream(channel, '/runtime.v1.RuntimeService/GetContainerEvents', {}, ['Empty', 'ContainerEventResponse'], signal)) {
          yield event as unknown as ContainerEvent;
        }
      } catch (error) {
        if (!isCriError(error, 'unimplemented')) throw error;
        yield* containerdExits(channel, signal);
      }
    },
  };
}

/** Messages of a call that answers with a stream, until it ends or the signal aborts. Throws a `CriError`. */
async function* serverStream(channel: GrpcChannel, path: string, request: object, [requestType, responseType]: readonly [MessageName, MessageName], signal: AbortSignal): AsyncIterable<Plain> {
  try {
    for await (const message of channel.stream(path, encodeMessage(requestType, request as Plain), { signal })) yield decodeMessage(responseType, message);
  } catch (error) {
    if (!signal.aborted) throw toCriError(error);
  }
}

/**
 * containerd before 1.7 has no events in its CRI, but it has its own, on the same socket: that a container's main process
 * has ended. They name the container only, and may come before CRI's lists show it. Throws `unimplemented` elsewhere.
 *
 * Source: containerd's API, services/events/v1 and events/task.proto.
 */
async function* containerdExits(channel: GrpcChannel, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  const filters = ['/tasks/exit', '/tasks/oom'].map((topic) => `namespace==k8s.io,topic=="${topic}"`);
  for await (const envelope of serverStream(channel, '/containerd.services.events.v1.Events/Subscribe', { filters }, ['EventsSubscribe', 'EventsEnvelope'], signal)) {
    const { value } = (envelope['event'] ?? {}) as { value?: Uint8Array };
    if (value === undefined) continue;
    const { containerId, id } = decodeMessage('TaskExit', value) as unknown as { containerId: string; id: string };
    // With another id it is a command that was run in the container.
    if (envelope['topic'] === '/tasks/exit' && id !== containerId) continue;
    yield { containerId, containerEventType: 'CONTAINER_STOPPED_EVENT', createdAt: 0, containersStatuses: [] };
  }
}

function imagesOver(call: UnaryCall): ImageService {
  return {
    async listImages(options) {
      const answer = await call('ImageService/ListImages', { type: 'Empty', value: {} }, 'ListImagesResponse', options);
      return answer['images'] as Image[];
    },
    async imageStatus(image, options) {
      const answer = await call('ImageService/ImageStatus', { type: 'ImageRequest', value: { image } }, 'ImageStatusResponse', options);
      return answer['image'] as Image | undefined;
    },
    async pullImage(image, options) {
      const value = { image, auth: options?.auth, sandboxConfig: options?.sandbox };
      const answer = await call('ImageService/PullImage', { type: 'PullImageRequest', value }, 'PullImageResponse', { ...options, timeoutMs: pullTimeoutMs });
      return answer['imageRef'] as string;
    },
    async removeImage(image, options) {
      await call('ImageService/RemoveImage', { type: 'ImageRequest', value: { image } }, 'Empty', options);
    },
    async imageFsInfo(options) {
      const answer = await call('ImageService/ImageFsInfo', { type: 'Empty', value: {} }, 'ImageFsInfoResponse', options);
      return answer['imageFilesystems'] as FilesystemUsage[];
    },
  };
}

/** On the wire a filter's state is wrapped, so that none can be told from the first. */
function filterMessage(filter: { readonly state?: string } | undefined): object | undefined {
  return filter?.state === undefined ? filter : { ...filter, state: { state: filter.state } };
}

const codes: Readonly<Partial<Record<number, CriErrorCode>>> = {
  [grpcStatus.notFound]: 'notFound',
  [grpcStatus.alreadyExists]: 'alreadyExists',
  [grpcStatus.invalidArgument]: 'invalidArgument',
  [grpcStatus.deadlineExceeded]: 'deadlineExceeded',
  [grpcStatus.unavailable]: 'unavailable',
  [grpcStatus.unimplemented]: 'unimplemented',
  [grpcStatus.cancelled]: 'cancelled',
};

function toCriError(error: unknown): CriError {
  if (!(error instanceof GrpcError)) return new CriError('unknown', error instanceof Error ? error.message : String(error), { cause: error });
  return new CriError(codes[error.status] ?? 'unknown', error.message, { cause: error });
}
