/** Revision numbers and the other annotations that a Deployment keeps on its ReplicaSets. Pure. */
import type { Deployment } from '#api/apps/deployment.ts';
import type { ReplicaSet } from '#api/apps/replica-set.ts';
import { desiredAnnotation, maxAnnotation, maxSurge, replicasOf, revisionAnnotation, revisionHistoryAnnotation } from './replica-sets.ts';

type Annotations = Readonly<Record<string, string>>;

/** Annotations of the Deployment that its ReplicaSets do not get. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);
/** Characters of past revision numbers that are kept. */
const maxHistoryLength = 2000;

/** 0 when there is none or it is no number. It has 64 bits, as everybody else counts it. */
export function revisionOf({ metadata }: ReplicaSet | Deployment): bigint {
  const text = metadata.annotations?.[revisionAnnotation] ?? '';
  return /^[0-9]{1,19}$/.test(text) ? BigInt(text) : 0n;
}

/** The number of the newest revision: one more than that of any old set. */
export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce((highest, each) => (each > highest ? each : highest), 0n) + 1n;
}

/** How many replicas the Deployment wants and may have, which proportional scaling starts from next time. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const wanted = replicasOf(deployment);
  return { [desiredAnnotation]: String(wanted), [maxAnnotation]: String(wanted + maxSurge(deployment)) };
}

/** The annotations of a set that is made now. */
export function annotationsOfNew(deployment: Deployment, revision: bigint): Annotations {
  return { ...copied(deployment), [revisionAnnotation]: String(revision), ...sizeAnnotations(deployment) };
}

/** The annotations of the set that is (again) the newest. */
export function annotationsOfCurrent(deployment: Deployment, current: ReplicaSet, revision: bigint): Annotations {
  const annotations: Record<string, string> = { ...current.metadata.annotations, ...copied(deployment) };
  const was = annotations[revisionAnnotation];
  if (revisionOf(current) < revision) {
    annotations[revisionAnnotation] = String(revision);
    if (was !== undefined) annotations[revisionHistoryAnnotation] = withPast(annotations[revisionHistoryAnnotation], was);
  }
  return annotations;
}

function withPast(history: string | undefined, revision: string): string {
  const past = history === undefined || history === '' ? [] : history.split(',');
  past.push(revision);
  while (past.length > 1 && past.join(',').length > maxHistoryLength) past.shift();
  return past.join(',');
}

function copied({ metadata }: Deployment): Annotations {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key)));
}
