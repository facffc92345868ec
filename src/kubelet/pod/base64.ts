/** The bytes of a Secret's value, as UTF-8 text. */
export function base64Text(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
