import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTableNames } from './table-names.ts';

test('of all that nft lists, the names in our tables are kept, by family', () => {
  const lines = [
    { nftables: [{ metainfo: { version: '1.0.6' } }, { chain: { family: 'ip', table: 'skiff-a', name: 'services', handle: 1 } }, { chain: { family: 'ip', table: 'skiff-b', name: 'other' } }, { chain: { family: 'inet', table: 'skiff-a', name: 'alien' } }] },
    { nftables: [{ metainfo: {} }, { set: { family: 'ip6', name: 'cluster-ips', table: 'skiff-a', type: 'ipv6_addr' } }] },
    { nftables: [{ map: { family: 'ip', name: 'service-ips', table: 'skiff-a', map: 'verdict' } }] },
  ];
  assert.deepEqual(parseTableNames(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`, 'skiff-a'), [
    { family: 'ip', name: 'skiff-a', chains: ['services'], sets: new Map([['service-ips', 'map']]) },
    { family: 'ip6', name: 'skiff-a', chains: [], sets: new Map([['cluster-ips', 'set']]) },
  ]);
  assert.deepEqual(parseTableNames('', 'skiff-a'), []);
});
