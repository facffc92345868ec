/** Something the user can put right: printed without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/**
 * Ends the process with status 1 and one line that says why; the causes follow, and the stack when SKIFF_DEBUG is set.
 * What is no `UserError` is printed the same way: a stack says little to who runs a cluster.
 */
export function fail(error: unknown): never {
  const lines: string[] = [];
  for (let each: unknown = error; each !== undefined && lines.length < 5; each = each instanceof Error ? each.cause : undefined) {
    const text = each instanceof Error ? each.message : JSON.stringify(each);
    if (!lines.some((line) => line.includes(text))) lines.push(text);
  }
  process.stderr.write(`skiff: ${lines.join('\n  because: ')}\n`);
  if (process.env['SKIFF_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(1);
}
