import type { TableNames } from './table-names.ts';

/** nftables content as data. Names are unique within a table; the text of declarations and rules is nft's. */
export interface RuleSet {
  readonly tables: readonly Table[];
}

export interface Table {
  readonly family: 'ip' | 'ip6';
  readonly name: string;
  /** Chains by name, with their declaration (hook) and rules in order. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** Sets and maps by name. */
  readonly sets: ReadonlyMap<string, NftSet>;
}

export interface Chain {
  /** `type nat hook prerouting priority dstnat; policy accept;` or empty. */
  readonly declaration: string;
  readonly rules: readonly string[];
}

export interface NftSet {
  readonly is: 'set' | 'map';
  /** `type ipv4_addr . inet_proto . inet_service : verdict;` with flags. */
  readonly declaration: string;
  /** Packets fill it. */
  readonly isDynamic?: boolean;
  /** Key to value (empty for sets). Of dynamic sets always empty. */
  readonly elements: ReadonlyMap<string, string>;
}

/** The script that makes the whole tables anew, in one transaction, whatever was there. */
export function planReplacement(rules: RuleSet): string {
  return rules.tables
    .map((table) => {
      const lines = [`add table ${table.family} ${table.name}`, `delete table ${table.family} ${table.name}`, `add table ${table.family} ${table.name}`];
      writeTable(lines, table, undefined);
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

/**
 * The same, but dynamic sets that go on existing keep what packets put into them. It is refused where something of these
 * names has another type or hook; `planReplacement` never is.
 */
export function planRenewal(rules: RuleSet, existing: readonly TableNames[]): string {
  return rules.tables
    .map((table) => {
      const old = existing.find((other) => other.family === table.family && other.name === table.name);
      if (old === undefined) return planReplacement({ tables: [table] });
      const where = `${table.family} ${table.name}`;
      const lines = [`flush table ${where}`];
      for (const [name, is] of old.sets) if (table.sets.get(name)?.isDynamic !== true) lines.push(`flush ${is} ${where} ${name}`);
      writeTable(lines, table, undefined);
      for (const [name, is] of old.sets) if (!table.sets.has(name)) lines.push(`delete ${is} ${where} ${name}`);
      for (const name of old.chains) if (!table.chains.has(name)) lines.push(`delete chain ${where} ${name}`);
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

/** The script that turns `before` into `after`; empty when nothing differs. Both have the same tables. */
export function planChange(before: RuleSet, after: RuleSet): string {
  const lines: string[] = [];
  for (const table of after.tables) {
    writeTable(lines, table, before.tables.find((other) => other.family === table.family && other.name === table.name));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The script that removes the tables of these names. */
export function planRemoval(tables: readonly Pick<Table, 'family' | 'name'>[]): string {
  return tables.map(({ family, name }) => `add table ${family} ${name}\ndelete table ${family} ${name}\n`).join('');
}

/**
 * Order matters: what is referred to must exist before, and must not be referred to any more when it goes. So: chains
 * and sets come, old elements go, rules change, new elements come, chains and sets that are left go.
 */
function writeTable(lines: string[], after: Table, before: Table | undefined): void {
  const where = `${after.family} ${after.name}`;
  for (const [name, set] of after.sets) {
    if (!before?.sets.has(name)) lines.push(`add ${set.is} ${where} ${name} { ${set.declaration} }`);
  }
  for (const [name, chain] of after.chains) {
    if (!before?.chains.has(name)) lines.push(`add chain ${where} ${name}${chain.declaration === '' ? '' : ` { ${chain.declaration} }`}`);
  }
  for (const [name, set] of before?.sets ?? []) {
    const kept = after.sets.get(name);
    if (kept === undefined && set.is === 'set' && set.elements.size === 0) continue;
    const gone = [...set.elements].filter(([key, value]) => kept?.elements.get(key) !== value);
    writeElements(lines, 'delete', `${where} ${name}`, gone);
  }
  for (const [name, chain] of after.chains) {
    const old = before?.chains.get(name);
    if (old !== undefined && sameRules(old.rules, chain.rules)) continue;
    if (old !== undefined && old.rules.length > 0) lines.push(`flush chain ${where} ${name}`);
    for (const rule of chain.rules) lines.push(`add rule ${where} ${name} ${rule}`);
  }
  for (const [name, set] of after.sets) {
    const old = before?.sets.get(name)?.elements;
    writeElements(lines, 'add', `${where} ${name}`, [...set.elements].filter(([key, value]) => old?.get(key) !== value));
  }
  const goneChains = [...(before?.chains.keys() ?? [])].filter((name) => !after.chains.has(name));
  for (const name of goneChains) lines.push(`flush chain ${where} ${name}`);
  for (const name of goneChains) lines.push(`delete chain ${where} ${name}`);
  for (const [name, set] of before?.sets ?? []) if (!after.sets.has(name)) lines.push(`delete ${set.is} ${where} ${name}`);
}

/** nft reads long lines slowly; so many elements go into one statement. */
const elementsPerLine = 64;

function writeElements(lines: string[], verb: 'add' | 'delete', where: string, elements: readonly (readonly [string, string])[]): void {
  for (let start = 0; start < elements.length; start += elementsPerLine) {
    const some = elements.slice(start, start + elementsPerLine);
    lines.push(`${verb} element ${where} { ${some.map(([key, value]) => (value === '' ? key : `${key} : ${value}`)).join(', ')} }`);
  }
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}
