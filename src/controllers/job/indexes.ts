/** Completion indexes of a Job, as text: `0,2-4,9`. Source: Kubernetes API reference, JobStatus.completedIndexes. */

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** The numbers in the text below `limit`; what is malformed is left out. */
export function parseIndexes(text: string | undefined, limit: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [from, to = from] = part.split('-');
    if (from === undefined || !/^\d+$/.test(from) || to === undefined || !/^\d+$/.test(to)) continue;
    for (let index = Number(from); index <= Math.min(Number(to), limit - 1); index++) indexes.add(index);
  }
  return indexes;
}

/** Ascending, runs of three and more written with a hyphen, and of two as well, as Kubernetes does. */
export function formatIndexes(indexes: Iterable<number>): string {
  const ordered = [...indexes].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let at = 0; at < ordered.length;) {
    let end = at;
    while ((ordered[end + 1] ?? -1) === (ordered[end] ?? 0) + 1) end++;
    const [first = 0, last = 0] = [ordered[at], ordered[end]];
    parts.push(end === at ? String(first) : end === at + 1 ? `${first},${last}` : `${first}-${last}`);
    at = end + 1;
  }
  return parts.join(',');
}
