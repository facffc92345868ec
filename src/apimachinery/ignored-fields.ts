/** What field ownership leaves out, and what it starts from. Used by `managed-fields.ts` and `apply.ts`. */
import { decodeDraft } from './decode.ts';
import type { Strategy } from './resource.ts';
import type { AnyStruct, Struct } from './schema.ts';

/** What nobody can own at this path: the main resource does not write the status, `status` nothing else. */
export function ignoredFields(struct: AnyStruct, subresource: string): ReadonlySet<string> {
  let both = ignored.get(struct);
  if (both === undefined) {
    const strategy = 'strategy' in struct ? (struct.strategy as Strategy<never>) : undefined;
    const status = new Set(strategy?.statusFields ?? (struct.fields.has('status') ? ['status'] : []));
    // Of custom resources not even metadata is written with the status.
    const isCustom = 'isCustom' in struct && struct.isCustom === true;
    const others = new Set([...struct.fields.keys()].filter((key) => (isCustom || key !== 'metadata') && !status.has(key)));
    both = { main: status, status: others };
    ignored.set(struct, both);
  }
  return subresource === 'status' ? both.status : subresource === '' ? both.main : nothing;
}
const nothing: ReadonlySet<string> = new Set();
const ignored = new WeakMap<AnyStruct, { readonly main: ReadonlySet<string>; readonly status: ReadonlySet<string> }>();

/** The object of this kind in which nothing is set. */
export function emptyObject(struct: AnyStruct): object {
  let made = emptyObjects.get(struct);
  if (made === undefined) {
    made = decodeDraft<object>(struct as Struct<object>, {});
    emptyObjects.set(struct, made);
  }
  return made;
}
const emptyObjects = new WeakMap<AnyStruct, object>();
