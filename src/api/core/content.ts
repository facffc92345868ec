/** What ConfigMaps and Secrets hold. */

/** The most that one of them holds, so that it fits a request of the store: 1 MiB. */
export const maxContentBytes = 1024 * 1024;

/** Bytes that a base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

/** The base64 of a text's UTF-8. */
export function encodeBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
