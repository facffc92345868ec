import { DecodeError, decodeDraft } from '#apimachinery/decode.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { internalError } from '#apimachinery/status-error.ts';
import { stored, toHub } from '../../registry/served.ts';

/** Makes `draft` what `document`, in the version of `kind`, says, with defaults. Throws a 500 when it does not fit: the client is not to blame. */
export async function replaceDraft(draft: Draft<KubeObject>, kind: ResourceKind, document: JsonValue): Promise<void> {
  let decoded: Draft<KubeObject>;
  try {
    decoded = decodeDraft(kind, document, { defaults: true });
  } catch (error) {
    throw error instanceof DecodeError ? internalError(error) : error;
  }
  decoded.apiVersion = kind.apiVersion;
  decoded.kind = kind.kind;
  kind.defaults?.(decoded);
  const whole = (await stored(kind, toHub(kind, decoded) as Draft<KubeObject>)) as unknown as Record<string, unknown>;
  const target = draft as unknown as Record<string, unknown>;
  // Who writes the object holds on to the draft itself, and to its metadata.
  const metadata = target['metadata'] as Record<string, unknown>;
  for (const key of Object.keys(target)) if (key !== 'metadata') delete target[key];
  for (const key of Object.keys(metadata)) delete metadata[key];
  Object.assign(metadata, whole['metadata']);
  Object.assign(target, { ...whole, metadata });
}
