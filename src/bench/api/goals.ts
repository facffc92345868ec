import type { Goal } from '../bench-row.ts';

/**
 * Medians of kube-apiserver, scheduler and controller manager 1.36.2 with etcd 3.5.30 on two cores; rows by name.
 * Source: the project's targets, measured with the same sizes of objects.
 */
export const cpuGoals = {
  'GET configmap, 16 clients': { original: 0.52, goal: 0.1 },
  'GET pod, 16 clients': { original: 0.69, goal: 0.1 },
  'GET pod rv=0, 16 clients': { original: 0.39, goal: 0.09 },
  'LIST 1,000 pods, JSON': { original: 85, goal: 10 },
  'LIST 1,000 pods, gzip': { original: 82, goal: 20 },
  'LIST 1,000 pods, protobuf': { original: 44, goal: 8 },
  'LIST 1,000 pods, Table': { original: 60, goal: 12 },
  'LIST 5,000 pods, JSON': { original: 435, goal: 50 },
  'CREATE configmap, 16 clients': { original: 1.09, goal: 0.3 },
  'CREATE pod, 16 clients': { original: 2.62, goal: 0.6 },
  'PUT configmap': { original: 1.44, goal: 0.4 },
  'merge PATCH configmap': { original: 1.61, goal: 0.45 },
  'server-side apply configmap': { original: 2.02, goal: 0.6 },
  'PUT lease': { original: 1.13, goal: 0.3 },
  'strategic merge PATCH pod status': { original: 4.3, goal: 0.8 },
  'WATCH, 100 watchers at 200 writes/s': { original: 0.048, goal: 0.012 },
  'WATCH, 1,000 watchers at 200 writes/s': { original: 0.012, goal: 0.004 },
} as const satisfies Readonly<Record<string, Goal>>;

export type CpuRow = keyof typeof cpuGoals;

/** The rows that are no operations: seconds, MiB and shares of a core. */
export const otherGoals = {
  'start to /readyz, cold': { unit: 's', original: 2.3, goal: 0.3 },
  'resident memory, idle': { unit: 'MiB', original: 310, goal: 90 },
  'memory for LIST 5,000 pods': { unit: 'MB', original: 398, goal: 50 },
  'CPU when idle': { unit: '% of a core', original: 3.6, goal: 0.5 },
} as const satisfies Readonly<Record<string, Goal & { readonly unit: string }>>;

export type OtherRow = keyof typeof otherGoals;
