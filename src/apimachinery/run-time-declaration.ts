import type { DecodeWalk } from './decode.ts';
import type { StructShape } from './field-shape.ts';
import type { JsonObject } from './json.ts';

/**
 * A structure that a client declared while the server runs (a CustomResourceDefinition). It takes the place of the
 * walks over declared fields: its objects keep zeros and nulls, may hold what no schema names, and bring their own
 * description.
 */
export interface RunTimeDeclaration {
  /**
   * The object: pruned of what the schema does not know (noted in `walk.unknown`), with defaults. They are filled in
   * whatever `walk.defaults` says, since what was stored under an older schema is completed when it is read.
   * Values of a wrong type stay as they are: validation tells of them.
   */
  decode(input: JsonObject, walk: DecodeWalk): Record<string, unknown>;
  /** Whose parts have owners of their own. */
  readonly shape: StructShape;
  /** The schema to publish. `refToMeta` is that of ObjectMeta. */
  openApi(version: 2 | 3, refToMeta: () => JsonObject): JsonObject;
  /** What the schema of the kind's list says besides. */
  readonly listExtensions: JsonObject;
  /** Changes whenever what is published does. */
  readonly fingerprint: string;
}
