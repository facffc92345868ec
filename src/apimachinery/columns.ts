/** Printer columns that most kinds have. */
import { age } from './age.ts';
import type { Column } from './resource.ts';
import { column } from './resource.ts';

interface Named {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
}

export const nameColumn: Column<Named> = column('Name', (object) => object.metadata.name, { format: 'name', description: 'Name of the object' });

export const ageColumn: Column<Named> = column('Age', (object, nowMs) => age(object.metadata.creationTimestamp, nowMs), {
  description: 'Time since the object was created',
});

/** Of kinds that show the moment itself, not how long ago it was. */
export const createdAtColumn: Column<Named> = column('Created At', (object) => (object.metadata.creationTimestamp as string | undefined) ?? '<unknown>', {
  type: 'date',
  description: 'When the object was created',
});

/** `a=b,c=d`, in the order of the keys. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).toSorted();
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}
