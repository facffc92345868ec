import type { NftSet, Table } from './rule-set.ts';

/** What a table holds already, by name. */
export interface TableNames extends Pick<Table, 'family' | 'name'> {
  readonly chains: readonly string[];
  readonly sets: ReadonlyMap<string, NftSet['is']>;
}

/** What `nft -j -t 'list chains; list sets; list maps'` prints, of the tables of this name. Pure. */
export function parseTableNames(text: string, tableName: string): readonly TableNames[] {
  const tables = new Map<Table['family'], Names>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    for (const each of (JSON.parse(line) as { readonly nftables: readonly Listed[] }).nftables) {
      const listed = each.chain ?? each.set ?? each.map;
      if (listed?.table !== tableName || (listed.family !== 'ip' && listed.family !== 'ip6')) continue;
      const table: Names = tables.get(listed.family) ?? { chains: [], sets: new Map() };
      tables.set(listed.family, table);
      if (each.chain !== undefined) table.chains.push(listed.name);
      else table.sets.set(listed.name, each.map === undefined ? 'set' : 'map');
    }
  }
  return [...tables].map(([family, names]) => ({ family, name: tableName, ...names }));
}

interface Names {
  readonly chains: string[];
  readonly sets: Map<string, NftSet['is']>;
}
interface ListedName {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}
interface Listed {
  readonly chain?: ListedName;
  readonly set?: ListedName;
  readonly map?: ListedName;
}
