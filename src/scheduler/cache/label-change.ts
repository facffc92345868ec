import { saysTheSame } from '#apimachinery/equal.ts';

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> | undefined };
}

/** Whether an update changed labels. */
export function labelsDiffer(old: Labelled | undefined, now: Labelled | undefined): boolean {
  return !saysTheSame(old?.metadata.labels, now?.metadata.labels);
}
