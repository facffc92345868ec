import type { UserInfo } from '#apiserver/request/api-call.ts';

/**
 * The users of a token file: a line each of token, user name, uid and, optionally, groups in quotes. Throws on a line with
 * fewer than three columns. Source: Kubernetes documentation, "Static token file".
 */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [token = '', name = '', uid, groups = ''] = columnsOf(line);
    if (uid === undefined) throw new Error(`line ${index + 1} of the token file has fewer than three columns`);
    if (token === '') continue;
    const listed = groups.split(',').map((group) => group.trim()).filter((group) => group !== '');
    users.set(token, { name, ...(uid !== '' && { uid }), groups: [...listed, 'system:authenticated'] });
  }
  return users;
}

/** One line of comma-separated values; a value in double quotes may hold commas, and quotes doubled. */
function columnsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim());
}
