/** Pods and what the runtime has of them, for tests of the plans. */
import type { Given } from '#apimachinery/resource.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import { Pod } from '#api/core/pod.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import type { PodStatus } from '#api/core/pod.ts';
import { containerHash } from './labels.ts';
import type { PodView } from './plan-pod.ts';
import type { ContainerRecord, PodRuntime, SandboxRecord } from './pod-runtime.ts';

export function podOf(spec: Given<PodSpec>, status: Given<PodStatus> = {}): Pod {
  return decodeObject<Pod>(Pod, {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: 'web' } },
    spec: { nodeName: 'n1', restartPolicy: 'Always', ...spec }, status,
  });
}

export const sandbox: SandboxRecord = { id: 's0', attempt: 0, isReady: true, createdAtMs: 0, ips: ['10.0.0.5'] };

export function record(name: string, traits: Partial<ContainerRecord> = {}): ContainerRecord {
  const attempt = traits.attempt ?? 0;
  return {
    id: `${name}-${attempt}`, sandboxId: 's0', name, attempt, state: 'running', createdAtMs: 1000, startedAtMs: 1000, finishedAtMs: traits.state === 'exited' ? 2000 : 0,
    exitCode: 0, reason: '', message: '', image: 'x', imageRef: 'sha256:x', hash: containerHash({ name, image: 'x' }), terminationLogFile: '', logPath: '', ...traits,
  };
}

export function runtimeOf(containers: readonly ContainerRecord[], sandboxes: readonly SandboxRecord[] = [sandbox]): PodRuntime {
  return { sandboxes, containers: [...containers].sort((a, b) => b.attempt - a.attempt) };
}

export function viewOf(pod: Pod, runtime: PodRuntime, traits: Partial<PodView> = {}): PodView {
  return {
    pod, runtime, nowMs: 10_000, backoffs: new Map(), restartCounts: new Map(),
    probes: { isStarted: (id) => runtime.containers.some((each) => each.id === id && each.state === 'running'), failed: () => undefined },
    ...traits,
  };
}
