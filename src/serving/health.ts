import type { ServerRequest, ServerResponse } from './exchange.ts';

/** One thing that must be well. */
export interface HealthCheck {
  readonly name: string;
  /** Undefined when well, else what is wrong; a throw counts as its message. */
  check(): string | undefined | Promise<string | undefined>;
}

/** The check that passes as long as the process answers. */
export const pingCheck: HealthCheck = { name: 'ping', check: () => undefined };

/** The outcome of every check, in the order of the list. `excluded` ones were not run. */
export interface HealthReport {
  readonly status: 200 | 500;
  readonly text: string;
  /** Names and causes of what failed: for the log; the text withholds the causes. */
  readonly failures: readonly { readonly name: string; readonly cause: string }[];
}

/**
 * The text of a health path (`livez`, `readyz`, `healthz`): `ok`, or a line per check when asked to be verbose or when
 * one failed.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export async function reportHealth(
  name: string,
  checks: readonly HealthCheck[],
  options: { readonly isVerbose: boolean; readonly excluded: readonly string[] },
): Promise<HealthReport> {
  const unmatched = new Set(options.excluded);
  const outcomes = await Promise.all(checks.map(async (check) => {
    const isExcluded = unmatched.delete(check.name);
    return { name: check.name, isExcluded, cause: isExcluded ? undefined : await runCheck(check) };
  }));
  const failures = outcomes.flatMap(({ name: failed, cause }) => (cause === undefined ? [] : [{ name: failed, cause }]));
  const lines = outcomes.map((outcome) => {
    if (outcome.isExcluded) return `[+]${outcome.name} excluded: ok\n`;
    return outcome.cause === undefined ? `[+]${outcome.name} ok\n` : `[-]${outcome.name} failed: reason withheld\n`;
  });
  if (unmatched.size > 0) {
    const names = [...unmatched].sort().map((unknown) => JSON.stringify(unknown)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`);
  }
  if (failures.length > 0) return { status: 500, text: `${lines.join('')}${name} check failed\n`, failures };
  return { status: 200, text: options.isVerbose ? `${lines.join('')}${name} check passed\n` : 'ok', failures };
}

/** The text of the path of a single check, such as `/readyz/ping`. Unlike the whole report it tells the cause. */
export async function reportCheck(check: HealthCheck): Promise<Pick<HealthReport, 'status' | 'text'>> {
  const cause = await runCheck(check);
  return cause === undefined ? { status: 200, text: 'ok' } : { status: 500, text: `internal server error: ${cause}\n` };
}

/**
 * Answers `/<name>` and `/<name>/<check>`; returns false, having done nothing, for any other path. The checks are read
 * anew for every request, so the list may grow while a daemon starts.
 */
export async function answerHealth(
  name: string,
  checks: readonly HealthCheck[],
  request: ServerRequest,
  response: ServerResponse,
): Promise<boolean> {
  const { path } = request;
  if (path === `/${name}`) {
    const query = new URLSearchParams(request.query);
    const report = await reportHealth(name, checks, { isVerbose: query.has('verbose'), excluded: query.getAll('exclude') });
    answer(response, report);
    return true;
  }
  const single = checks.find((check) => path === `/${name}/${check.name}`);
  if (single === undefined) return false;
  answer(response, await reportCheck(single));
  return true;
}

function answer(response: ServerResponse, { status, text }: Pick<HealthReport, 'status' | 'text'>): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(Buffer.from(text));
}

async function runCheck(check: HealthCheck): Promise<string | undefined> {
  try {
    return await check.check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
