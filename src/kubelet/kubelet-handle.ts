import type { Pod } from '#api/core/pod.ts';
import type { ByteDuplex, ContainerStreams } from './cri/cri.ts';
import type { LogQuery } from './logs/log-query.ts';

/**
 * What the API server asks of a node's kubelet: in the same process by this handle, else over its HTTPS server, which
 * serves the same functions. Failures are `StatusError`s with the original's words.
 */
export interface KubeletHandle {
  readonly nodeName: string;
  /** The pods of this node as the kubelet knows them. */
  pods(): readonly Pod[];
  /** The log of a container; ends at its end, or with `follow` when the container ends. */
  containerLogs(target: ContainerTarget, query: LogQuery, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Runs a command; resolves with its exit code. */
  exec(target: ContainerTarget, request: CommandRequest, streams: ContainerStreams, signal: AbortSignal): Promise<number>;
  /** Joins the container's main process until it or the caller ends. */
  attach(target: ContainerTarget, streams: ContainerStreams, signal: AbortSignal): Promise<void>;
  /** Carries one connection to a port of the pod. */
  portForward(target: Omit<ContainerTarget, 'container'>, port: number, connection: ByteDuplex, signal: AbortSignal): Promise<void>;
}

export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  /** Only this incarnation of the pod. */
  readonly uid?: string | undefined;
  /** May be left out where the pod has one container. */
  readonly container?: string | undefined;
}

export interface CommandRequest {
  readonly command: readonly string[];
  readonly tty?: boolean;
}
