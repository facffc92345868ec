/** Telling pod templates apart: by text, and by a short hash that names what is made from them. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';

/** The label that tells the revisions of a Deployment apart. */
export const podTemplateHashLabel = 'pod-template-hash';

const texts = new WeakMap<PodTemplateSpec, string>();

/** The same text for templates that say the same, `pod-template-hash` apart. Templates are frozen, so it is made once. */
export function templateText(template: PodTemplateSpec): string {
  let text = texts.get(template);
  if (text === undefined) {
    const { [podTemplateHashLabel]: _hash, ...labels } = template.metadata.labels ?? {};
    text = canonicalText({ ...template, metadata: { ...template.metadata, labels } });
    texts.set(template, text);
  }
  return text;
}

/** JSON with sorted keys and without what is empty. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const field = value[key];
    if (field === undefined || field === null || (Array.isArray(field) && field.length === 0)) continue;
    if (isJsonObject(field) && Object.keys(field).length === 0) continue;
    parts.push(`${JSON.stringify(key)}:${canonicalText(field)}`);
  }
  return `{${parts.join(',')}}`;
}

const safeCharacters = 'bcdfghjklmnpqrstvwxz2456789';

/** Up to 10 characters fit for names and labels: 32-bit FNV-1a in decimal, its digits as letters that form no words. */
export function safeHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  let encoded = '';
  for (const digit of String(hash)) encoded += safeCharacters[digit.charCodeAt(0) % safeCharacters.length] ?? '';
  return encoded;
}

/** The hash of a template; a higher `collisionCount` gives another one. */
export function templateHash(template: PodTemplateSpec, collisionCount = 0): string {
  return safeHash(collisionCount === 0 ? templateText(template) : `${templateText(template)}#${collisionCount}`);
}
