import { hairpinSet } from './base-table.ts';
import { composeRules } from './plan-rules.ts';
import type { Fragment, RuleOptions, ServiceRules } from './plan-rules.ts';
import { planChange, planRenewal, planReplacement } from './rule-set.ts';
import type { Table } from './rule-set.ts';
import type { TableNames } from './table-names.ts';
import type { Family } from './service-endpoints.ts';

const families = ['ip', 'ip6'] as const;
const nothing: Fragment = { chains: new Map(), elements: new Map(), affinitySets: new Map() };
const noRules: ServiceRules = { ip: nothing, ip6: nothing };

/**
 * The rules of every Service as they were written last. A change of one Service costs the work for that Service, however
 * many there are. No I/O: it makes scripts.
 */
export class RuleBook {
  readonly #options: RuleOptions;
  readonly #parts = new Map<string, ServiceRules>();
  /** How many services need each element of the set they share. */
  readonly #hairpins: Readonly<Record<Family, Map<string, number>>> = { ip: new Map(), ip6: new Map() };

  constructor(options: RuleOptions) {
    this.#options = options;
  }

  /** Takes over what these services (by `namespace/name`) need now; undefined: nothing. Answers the script for the difference. */
  change(updates: ReadonlyMap<string, ServiceRules | undefined>): string {
    const before: ServiceRules[] = [];
    const after: ServiceRules[] = [];
    const counts = { ip: new Map<string, number>(), ip6: new Map<string, number>() };
    for (const [key, next] of updates) {
      const old = this.#parts.get(key) ?? noRules;
      before.push(old);
      after.push(next ?? noRules);
      for (const family of families) {
        for (const pair of old[family].elements.get(hairpinSet)?.keys() ?? []) counts[family].set(pair, (counts[family].get(pair) ?? 0) - 1);
        for (const pair of next?.[family].elements.get(hairpinSet)?.keys() ?? []) counts[family].set(pair, (counts[family].get(pair) ?? 0) + 1);
      }
      if (next === undefined) this.#parts.delete(key);
      else this.#parts.set(key, next);
    }
    const old = composeRules(before, this.#options);
    const next = composeRules(after, this.#options);
    for (const family of families) this.#share(family, counts[family], tableOf(old.tables, family), tableOf(next.tables, family));
    return planChange(old, next);
  }

  /** Takes over the rules of all services, for `replacement`. Only in an empty book. */
  load(rules: ReadonlyMap<string, ServiceRules | undefined>): void {
    for (const [key, part] of rules) {
      if (part === undefined) continue;
      this.#parts.set(key, part);
      for (const family of families) {
        const known = this.#hairpins[family];
        for (const pair of part[family].elements.get(hairpinSet)?.keys() ?? []) known.set(pair, (known.get(pair) ?? 0) + 1);
      }
    }
  }

  /** The script that writes everything anew. */
  replacement(): string {
    return planReplacement(composeRules([...this.#parts.values()], this.#options));
  }

  /** The same, but clients stay with their endpoints; may be refused (see `planRenewal`). */
  renewal(existing: readonly TableNames[]): string {
    return planRenewal(composeRules([...this.#parts.values()], this.#options), existing);
  }

  /** Shared elements come with the first service that needs them and go with the last. */
  #share(family: Family, counts: ReadonlyMap<string, number>, before: Table, after: Table): void {
    const known = this.#hairpins[family];
    const old = new Map<string, string>();
    const next = new Map<string, string>();
    for (const [pair, difference] of counts) {
      const had = known.get(pair) ?? 0;
      const has = had + difference;
      if (had > 0) old.set(pair, '');
      if (has > 0) {
        next.set(pair, '');
        known.set(pair, has);
      } else known.delete(pair);
    }
    replaceElements(before, old);
    replaceElements(after, next);
  }
}

function tableOf(tables: readonly Table[], family: Family): Table {
  const table = tables.find((candidate) => candidate.family === family);
  if (table === undefined) throw new Error(`no table for ${family}`);
  return table;
}

function replaceElements(table: Table, elements: ReadonlyMap<string, string>): void {
  const set = table.sets.get(hairpinSet);
  // The tables were composed just now and belong to nobody else.
  if (set !== undefined) (table.sets as Map<string, typeof set>).set(hairpinSet, { ...set, elements });
}
