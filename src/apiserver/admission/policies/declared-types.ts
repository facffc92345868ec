/** Declared kinds as types of expressions. Pure. */
import type { AnyStruct, FieldType, ScalarName } from '#apimachinery/schema.ts';
import type { CelType, ObjectField, ObjectType } from '#cel/types.ts';
import { bool, bytes, double, dyn, int, listOf, mapOf, string, timestamp } from '#cel/types.ts';

const known = new WeakMap<AnyStruct, CelType>();

/** The type of a struct's objects; what is declared at run time may be anything. */
export function typeOf(struct: AnyStruct): CelType {
  if (struct.atRunTime !== undefined) return dyn;
  let type = known.get(struct);
  if (type === undefined) {
    type = { is: 'object', name: struct.name, fields: new DeclaredFields(struct) } satisfies ObjectType;
    known.set(struct, type);
  }
  return type;
}

/** Fields are looked at when they are named: structs may contain themselves. */
class DeclaredFields extends Map<string, ObjectField> {
  readonly #struct: AnyStruct;

  constructor(struct: AnyStruct) {
    super();
    this.#struct = struct;
  }

  override get(name: string): ObjectField | undefined {
    const field = this.#struct.fields.get(name);
    return field === undefined ? undefined : { key: name, type: fieldType(field.type) };
  }
}

function fieldType(type: FieldType): CelType {
  switch (type.is) {
    case 'scalar': return scalars[type.scalar];
    case 'struct': return typeOf(type.struct());
    case 'list': return listOf(fieldType(type.element));
    case 'map': return mapOf(string, fieldType(type.element));
  }
}

const scalars: Readonly<Record<ScalarName, CelType>> = {
  string, int32: int, int64: int, bool, double, bytes, time: timestamp, microTime: timestamp,
  quantity: dyn, intOrString: dyn, duration: dyn, raw: dyn, json: dyn, fieldsV1: dyn,
};
