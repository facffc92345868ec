import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { parse } from 'yaml';

const spec = new URL('../../../shared/spec/conformance-requirements.yaml', import.meta.url);

/** The codenames of all behaviours that a conformant v1.36 cluster must show; undefined where the list is not here. */
const codenames: ReadonlySet<string> | undefined = existsSync(spec)
  ? new Set((parse(readFileSync(spec, 'utf8')) as { readonly codename: string }[]).map((each) => each.codename))
  : undefined;

/** A test of one behaviour, named exactly as the list of conformance requirements names it. It fails when it is not in the list. */
export function conformance(codename: string, check: () => Promise<void>): void {
  void it(codename, { timeout: 60_000 }, async () => {
    if (codenames !== undefined && !codenames.has(codename)) throw new Error(`no conformance requirement has the codename ${JSON.stringify(codename)}`);
    await check();
  });
}
