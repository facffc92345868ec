/**
 * What has to be written so that the mandatory and suggested objects, and the conditions of schemas, are as they should
 * be. Pure.
 *
 * Source: Kubernetes documentation, "API Priority and Fairness: maintenance of the mandatory and suggested configuration
 * objects".
 */
import type { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

/** Says whether the server may bring the object up to date: `true` or `false`. */
export const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
/** Objects that are as the server says, whatever others write. */
export const mandatoryNames: ReadonlySet<string> = new Set(['exempt', 'catch-all']);

export type Configured = KubeObject & { readonly spec: unknown };

export type DefaultStep<T extends Configured> =
  | { readonly is: 'create'; readonly object: T }
  | { readonly is: 'update'; readonly object: T }
  | { readonly is: 'delete'; readonly object: T };

/** Steps for all objects of one kind. `wanted`: those the server comes with, complete. */
export function planDefaults<T extends Configured>(kind: ResourceKind<T>, wanted: readonly T[], found: readonly T[]): DefaultStep<T>[] {
  const byName = new Map(found.map((object) => [object.metadata.name, object]));
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  return [
    ...wanted.flatMap((each): DefaultStep<T>[] => {
      const current = byName.get(each.metadata.name);
      if (current === undefined) return [{ is: 'create', object: each }];
      const next = broughtUpToDate(kind, each, current);
      return next === undefined ? [] : [{ is: 'update', object: next }];
    }),
    // Those that an older version came with.
    ...found.filter(({ metadata }) => metadata.annotations?.[autoUpdate] === 'true' && !names.has(metadata.name)).map((object): DefaultStep<T> => ({ is: 'delete', object })),
  ];
}

/** Undefined: it is as it should be, or its owner wants it otherwise. */
function broughtUpToDate<T extends Configured>(kind: ResourceKind<T>, wanted: T, current: T): T | undefined {
  const { metadata } = current;
  const given = metadata.annotations?.[autoUpdate];
  const isOurs = mandatoryNames.has(metadata.name) || given === 'true' || (given !== 'false' && metadata.generation === 1);
  const spec = isOurs ? specOf(kind, wanted, current) : current.spec;
  const annotation = String(isOurs);
  if (given === annotation && saysTheSame(spec, current.spec)) return undefined;
  return { ...current, metadata: { ...metadata, annotations: { ...metadata.annotations, [autoUpdate]: annotation } }, spec };
}

/** How many seats the exempt level counts for is its administrator's to say. */
function specOf<T extends Configured>(kind: ResourceKind<T>, wanted: T, current: T): unknown {
  if ((kind as unknown) !== PriorityLevelConfiguration || wanted.metadata.name !== 'exempt') return wanted.spec;
  const { exempt } = current.spec as { readonly exempt?: object };
  return exempt === undefined ? wanted.spec : { ...(wanted.spec as object), exempt };
}

export interface DanglingStep {
  readonly name: string;
  readonly condition: { readonly type: 'Dangling'; readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };
}

/** Conditions that do not say whether the level of a schema exists. */
export function planConditions(schemas: readonly FlowSchema[], levels: ReadonlySet<string>): DanglingStep[] {
  return schemas.flatMap(({ metadata, spec, status }) => {
    const level = spec.priorityLevelConfiguration.name;
    const isThere = levels.has(level);
    const said = status.conditions?.find(({ type }) => type === 'Dangling');
    const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
    const condition = { type: 'Dangling', status: isThere ? 'False' : 'True', reason: isThere ? 'Found' : 'NotFound', message: `${what} ${isThere ? 'and it exists' : 'but there is no such object'}` } as const;
    const isSaid = said !== undefined && said.status === condition.status && said.reason === condition.reason && said.message === condition.message;
    return isSaid ? [] : [{ name: metadata.name, condition }];
  });
}
