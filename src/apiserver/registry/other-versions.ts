/** Carries out plans about field ownership, which look at an object in the versions that its owners have written. */
import { kinds as builtInKinds } from '#api/kinds.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Converting, Versioned, Wanted } from '#apimachinery/object-versions.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hubOf, ready, takesTime, toServed } from './served.ts';

/** The result of a plan about objects of `kind`, of whatever version; a promise only where a webhook has to be asked. Throws a StatusError when that fails. */
export function carryOut<T>(kind: ResourceKind, plan: Converting<T>): T | Promise<T> {
  for (let step = plan.next(); ; ) {
    if (step.done === true) return step.value;
    const found = inVersion(kind, step.value);
    if (found instanceof Promise) return carryOutLater(kind, plan, found);
    step = plan.next(found);
  }
}

async function carryOutLater<T>(kind: ResourceKind, plan: Converting<T>, first: Promise<Versioned>): Promise<T> {
  for (let step = plan.next(await first); ; step = plan.next(await inVersion(kind, step.value))) if (step.done === true) return step.value;
}

function inVersion(kind: ResourceKind, { object, apiVersion }: Wanted): Versioned | Promise<Versioned> | undefined {
  const to = inOtherVersion(kind, apiVersion);
  const given = object as KubeObject;
  const from = inOtherVersion(kind, given.apiVersion);
  if (to === undefined || from === undefined) return undefined;
  if (to === from) return { struct: to, object };
  if (takesTime(to) || takesTime(from)) return askedFor(from, to, given);
  return { struct: to, object: toServed(to, from.convertedFrom?.toHub(given) ?? given) };
}

/** Webhooks convert between any two versions. */
async function askedFor(from: ResourceKind, to: ResourceKind, object: KubeObject): Promise<Versioned> {
  await (to.convertedFrom === undefined ? from.convertedFrom?.load?.([object], to.apiVersion) : ready(to, [object]));
  return { struct: to, object: to.convertedFrom === undefined ? (from.convertedFrom?.toHub(object) ?? object) : toServed(to, object) };
}

/** The same kind in another version; undefined when there is none. */
export function inOtherVersion(kind: ResourceKind, apiVersion: string): ResourceKind | undefined {
  if (kind.apiVersion === apiVersion) return kind;
  const hub = hubOf(kind);
  if (hub.apiVersion === apiVersion) return hub;
  return kind.isCustom === true ? kind.inVersion?.(apiVersion) : builtInKinds.find((each) => each.apiVersion === apiVersion && hubOf(each) === hub);
}
