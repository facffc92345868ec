/** The rules against the kernel, in network namespaces of their own: a node, two pods, and a client outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { applyRules, forgetUdpFlows, listTableNames, listUdpFlows, runProgram } from './nft.ts';
import { planRules } from './plan-rules.ts';
import { planChange, planRemoval, planRenewal, planReplacement } from './rule-set.ts';
import type { RuleSet } from './rule-set.ts';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';
import { planStaleFlows, udpTargets } from './stale-flows.ts';
import { planReconciliation } from './udp-flows.ts';

const id = `skt${process.pid}`;
const node = { networkNamespace: `${id}n` };
const client = `${id}c`;
const processes: ChildProcess[] = [];
const options = { node: { name: 'n1' }, clusterName: 't', clusterCidrs: ['10.244.0.0/16', 'fd00:244::/32'] };

const canRun = process.getuid?.() === 0 && (await runProgram(['nft', '--version']).then(() => true, () => false)) &&
  (await runProgram(['busybox', 'true']).then(() => true, () => false)) &&
  (await runProgram(['ip', 'netns', 'add', `${id}n`]).then(() => true, () => false));

interface Ends {
  readonly v4: string;
  readonly v6: string;
}

const hasConntrack = await runProgram(['conntrack', '--version']).then(() => true, () => false);

async function lab(): Promise<void> {
  await runProgram(['ip', 'netns', 'add', client]);
  await runProgram(['ip', 'link', 'set', 'lo', 'up'], node);
  await runProgram(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.route_localnet=1', 'net.ipv6.conf.all.forwarding=1'], node);
  /** Addresses and gateways of both families. */
  const connect = async (name: string, addresses: Ends, gateways: Ends): Promise<void> => {
    await runProgram(['ip', 'link', 'add', `v${name.slice(-6)}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name], node);
    const device = `v${name.slice(-6)}`;
    const inside = { networkNamespace: name };
    await runProgram(['ip', 'link', 'set', device, 'up'], node);
    for (const each of ['lo', 'eth0']) await runProgram(['ip', 'link', 'set', each, 'up'], inside);
    for (const family of ['v4', 'v6'] as const) {
      const [address, gateway] = [addresses[family], gateways[family]];
      // Nobody else has the address; looking for that takes a second.
      const add = (which: string): readonly string[] => ['ip', 'addr', 'add', `${which}/${family === 'v4' ? 32 : 128}`, ...(family === 'v4' ? [] : ['nodad'])];
      await runProgram([...add(gateway), 'dev', device], node);
      await runProgram(['ip', 'route', 'add', address, 'dev', device], node);
      await runProgram([...add(address), 'dev', 'eth0'], inside);
      await runProgram(['ip', 'route', 'add', gateway, 'dev', 'eth0'], inside);
      await runProgram(['ip', 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0'], inside);
    }
  };
  await connect(client, { v4: '192.0.2.7', v6: 'fd00:2::7' }, { v4: '192.0.2.1', v6: 'fd00:2::1' });
  // Somewhere a packet to a service's address must seem to go before the rules see it.
  for (const via of ['192.0.2.7', 'fd00:2::7']) await runProgram(['ip', 'route', 'add', 'default', 'via', via, 'dev', `v${client.slice(-6)}`, 'onlink'], node);
  for (const index of [0, 1]) {
    const name = `${id}p${index}`;
    await runProgram(['ip', 'netns', 'add', name]);
    await connect(name, { v4: `10.244.1.${index + 1}`, v6: `fd00:244::${index + 1}` }, { v4: '10.244.1.254', v6: 'fd00:244::fe' });
    // Answers with its own name and the address it sees the client under; earlier clients may still be on their way out.
    const server = spawn('ip', ['netns', 'exec', name, 'busybox', 'nc', '-ll', '-p', '8080', '-e', 'busybox', 'sh', '-c', `echo ${index}; ss -tnaH sport = :8080 | grep -E '^(ESTAB|CLOSE-WAIT)'`], { stdio: 'ignore' });
    processes.push(server);
    const isUp = async (): Promise<boolean> => (await runProgram(['ss', '-ltn'], { networkNamespace: name })).includes(':8080');
    for (let tries = 0; tries < 500 && !(await isUp()); tries++) await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

/** What an address answers, as seen from a namespace. */
async function ask(from: string, address: string, port: number): Promise<string> {
  return (await runProgram(['busybox', 'timeout', '3', 'busybox', 'nc', address, String(port)], { networkNamespace: from })).trim();
}

async function askMany(from: string, address: string, port: number): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  for (let time = 0; time < 24; time++) seen.add((await ask(from, address, port)).split(/\s/)[0] ?? '');
  return seen;
}

/** The lines of a listing, but for what packets put into dynamic sets; the order of chains and sets tells nothing. */
function withoutClients(listing: string): readonly string[] {
  return listing.replace(/(timeout \d+[a-z\d]*\n)\s+elements = \{[^}]*\}\n/g, '$1').split('\n').sort();
}

const both = [endpoint('10.244.1.1'), endpoint('10.244.1.2')];

/** Runs a script of Node in a namespace until the tests end. */
function runNode(networkNamespace: string, script: string): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', networkNamespace, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  return child;
}

/** A client with one socket that asks again and again. */
function talk(from: string, address: string, port: number): { readonly hears: (word: string) => Promise<void> } {
  const child = runNode(from, `const s = require('dgram').createSocket('${address.includes(':') ? 'udp6' : 'udp4'}').on('message', (text) => console.log(String(text))).on('error', () => {}); setInterval(() => s.send('?', ${port}, '${address}'), 50)`);
  let heard = '';
  child.stdout?.on('data', (chunk: Buffer) => (heard = chunk.toString().trim().split('\n').at(-1) ?? ''));
  return {
    async hears(word) {
      for (let tries = 0; tries < 500; tries++) {
        if (heard === word) return;
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
      throw new Error(`heard ${heard} and not ${word}`);
    },
  };
}

describe('rules in the kernel', { skip: canRun ? false : 'needs root, nft, busybox and network namespaces' }, () => {
  let current: RuleSet = planRules([], [], options);
  const apply = async (next: RuleSet): Promise<void> => {
    const script = planChange(current, next);
    if (script !== '') await applyRules(script, node);
    current = next;
  };
  const web = serviceOf('web', { type: 'NodePort', externalIPs: ['203.0.113.5'], ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080, targetPort: 8080 }] });

  before(async () => {
    await lab();
    await applyRules(planReplacement(current), node);
  });
  after(async () => {
    for (const server of processes) server.kill('SIGKILL');
    await runProgram(['sh', '-c', `for n in $(ip netns list | grep ^${id} | cut -d' ' -f1); do ip netns pids $n | xargs -r kill -9; ip netns delete $n; done`]);
  });

  test('cluster IP, node port and external IP reach every endpoint, from the node, a pod and outside', async () => {
    await apply(planRules([web], [sliceOf('web', both)], options));
    for (const [from, address, port] of [
      [node.networkNamespace, '10.96.0.10', 80], [`${id}p0`, '10.96.0.10', 80],
      [node.networkNamespace, '127.0.0.1', 30080], [node.networkNamespace, '192.0.2.1', 30080], [client, '192.0.2.1', 30080], [client, '203.0.113.5', 80],
    ] as const) {
      assert.deepEqual([...(await askMany(from, address, port))].sort(), ['0', '1'], `${address}:${port} from ${from}`);
    }
  });

  test('a pod reaches itself through its service', async () => {
    await apply(planRules([web], [sliceOf('web', [endpoint('10.244.1.1')])], options));
    assert.match(await ask(`${id}p0`, '10.96.0.10', 80), /^0/);
  });

  test('an endpoint that goes gets no new connection', async () => {
    await apply(planRules([web], [sliceOf('web', [endpoint('10.244.1.2')])], options));
    assert.deepEqual([...(await askMany(client, '192.0.2.1', 30080))], ['1']);
  });

  test('a service that loses its endpoints refuses', async () => {
    await apply(planRules([web], [sliceOf('web', [])], options));
    await assert.rejects(ask(node.networkNamespace, '10.96.0.10', 80), /refused/);
    await assert.rejects(ask(client, '192.0.2.1', 30080), /refused/);
  });

  test('at a cluster address nothing but the service answers, and addresses nobody has lead nowhere', async () => {
    const cidrs = { ...options, serviceCidrs: ['10.96.0.0/16'] };
    await apply(planRules([web], [sliceOf('web', both)], cidrs));
    for (const from of [node.networkNamespace, `${id}p0`]) {
      assert.match(await ask(from, '10.96.0.10', 80), /^[01]/);
      await assert.rejects(ask(from, '10.96.0.10', 81), /refused/);
      // Dropped: `timeout` ends the client, which says nothing.
      await assert.rejects(runProgram(['busybox', 'timeout', '1', 'busybox', 'nc', '10.96.0.11', '80'], { networkNamespace: from }), (error: Error) => !error.message.includes('refused'));
    }
  });

  test('clients stay with their endpoint under session affinity, and get another when it goes', async () => {
    const sticky = serviceOf('sticky', { sessionAffinity: 'ClientIP' });
    await apply(planRules([sticky], [sliceOf('sticky', both)], options));
    const seen = [...(await askMany(`${id}p0`, '10.96.0.10', 80))];
    assert.equal(seen.length, 1);
    const other = seen[0] === '0' ? '1' : '0';
    await apply(planRules([sticky], [sliceOf('sticky', both.filter((_, index) => String(index) === other))], options));
    assert.deepEqual([...(await askMany(`${id}p0`, '10.96.0.10', 80))], [other]);
  });

  test('when everything is written anew, clients stay with their endpoint, and what was in the way goes', async () => {
    const sticky = serviceOf('sticky', { sessionAffinity: 'ClientIP' });
    const rules = planRules([sticky], [sliceOf('sticky', both)], options);
    await apply(rules);
    const [seen] = await askMany(`${id}p0`, '10.96.0.10', 80);
    await applyRules('add chain ip skiff-t leftover\nadd set ip skiff-t left-set { type ipv4_addr; }\nadd rule ip skiff-t leftover ip saddr @left-set drop', node);
    for (let time = 0; time < 4; time++) {
      await applyRules(planRenewal(rules, await listTableNames('skiff-t', node)), node);
      assert.deepEqual([...(await askMany(`${id}p0`, '10.96.0.10', 80))], [seen]);
    }
    const text = await runProgram(['nft', 'list', 'table', 'ip', 'skiff-t'], node);
    assert.doesNotMatch(text, /left/);
    await applyRules(planReplacement(rules), node);
    assert.deepEqual(withoutClients(await runProgram(['nft', 'list', 'table', 'ip', 'skiff-t'], node)), withoutClients(text));
  });

  test('with traffic policy Local the endpoint sees the client, and without local endpoints nothing answers', async () => {
    const local = serviceOf('web', { ...web.spec, externalTrafficPolicy: 'Local' });
    await apply(planRules([local], [sliceOf('web', [endpoint('10.244.1.1')])], options));
    assert.match(await ask(client, '192.0.2.1', 30080), /192\.0\.2\.7\]?:/);
    await apply(planRules([web], [sliceOf('web', [endpoint('10.244.1.1')])], options));
    assert.doesNotMatch(await ask(client, '192.0.2.1', 30080), /192\.0\.2\.7\]?:/);
  });

  test('a service of both families is served in both, from everywhere', async () => {
    const dual = serviceOf('dual', { ...web.spec, clusterIP: 'fd00:10:96::a', clusterIPs: ['fd00:10:96::a', '10.96.0.10'], externalIPs: ['2001:db8::5'], ipFamilies: ['IPv6', 'IPv4'] });
    const both6 = [endpoint('fd00:244::1'), endpoint('fd00:244::2')];
    await apply(planRules([dual], [sliceOf('dual', both), sliceOf('dual', both6, undefined, 'IPv6')], { ...options, serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] }));
    for (const [from, address, port] of [
      [node.networkNamespace, 'fd00:10:96::a', 80], [`${id}p0`, 'fd00:10:96::a', 80], [`${id}p1`, '10.96.0.10', 80],
      [node.networkNamespace, 'fd00:2::1', 30080], [client, 'fd00:2::1', 30080], [client, '192.0.2.1', 30080], [client, '2001:db8::5', 80],
    ] as const) {
      assert.deepEqual([...(await askMany(from, address, port))].sort(), ['0', '1'], `${address}:${port} from ${from}`);
    }
    await assert.rejects(ask(`${id}p0`, 'fd00:10:96::a', 81), /refused/);
    // A pod reaches itself, and one family may be without endpoints.
    await apply(planRules([dual], [sliceOf('dual', both6.slice(0, 1), undefined, 'IPv6')], options));
    assert.match(await ask(`${id}p0`, 'fd00:10:96::a', 80), /^0/);
    await assert.rejects(ask(`${id}p0`, '10.96.0.10', 80), /refused/);
  });

  test('clients stay with their endpoint in IPv6 as well, and with policy Local it sees them', async () => {
    const sticky = serviceOf('sticky', { ...web.spec, sessionAffinity: 'ClientIP', externalTrafficPolicy: 'Local', clusterIP: 'fd00:10:96::a', clusterIPs: ['fd00:10:96::a'] });
    await apply(planRules([sticky], [sliceOf('sticky', [endpoint('fd00:244::1'), endpoint('fd00:244::2')], undefined, 'IPv6')], options));
    assert.equal((await askMany(`${id}p0`, 'fd00:10:96::a', 80)).size, 1);
    assert.equal((await askMany(client, 'fd00:2::1', 30080)).size, 1);
    assert.match(await ask(client, 'fd00:2::1', 30080), /\[fd00:2::7\]:/);
  });

  test('a UDP client that keeps its socket follows its service to another endpoint', { skip: hasConntrack ? false : 'needs conntrack' }, async () => {
    const ports = [{ name: 'dns', port: 53, protocol: 'UDP' as const }];
    const dns = serviceOf('dns', { type: 'NodePort', clusterIP: '10.96.0.53', clusterIPs: ['10.96.0.53', 'fd00:10:96::35'], ports: [{ ...ports[0], port: 53, nodePort: 30053 }] });
    const slices = (last: number) => [sliceOf('dns', [endpoint(`10.244.1.${last}`)], ports), sliceOf('dns', [endpoint(`fd00:244::${last}`)], ports, 'IPv6')];
    for (const index of [0, 1]) runNode(`${id}p${index}`, `const s = require('dgram').createSocket('udp6').on('message', (_, { port, address }) => s.send('${index}', port, address)); s.bind(53)`);
    await apply(planRules([dns], slices(1), options));
    const talks = [talk(`${id}p1`, '10.96.0.53', 53), talk(client, '192.0.2.1', 30053), talk(`${id}p1`, 'fd00:10:96::35', 53), talk(client, 'fd00:2::1', 30053)];
    for (const each of talks) await each.hears('0');
    await apply(planRules([dns], slices(2), options));
    const stale = planStaleFlows(udpTargets([dns], slices(1), options), udpTargets([dns], slices(2), options));
    assert.equal(await forgetUdpFlows(stale, node), true);
    for (const each of talks) await each.hears('1');
    // Nobody looked when they changed once more: what the kernel remembers tells.
    await apply(planRules([dns], slices(1), options));
    for (const family of ['ip', 'ip6'] as const) {
      const late = await planReconciliation(await listUdpFlows(family, node) ?? '', family, udpTargets([dns], slices(1), options));
      assert.deepEqual(late.map(({ address, port }) => `${address ?? 'node'} ${port}`).sort(), [`${family === 'ip' ? '10.96.0.53' : 'fd00:10:96::35'} 53`, 'node 30053']);
      await forgetUdpFlows(late, node);
    }
    for (const each of talks) await each.hears('0');
  });

  test('IPv6, UDP, SCTP, source ranges and long names are accepted, and what is left is nothing', async () => {
    const long = 'x'.repeat(63);
    const odd = serviceOf(long, {
      type: 'LoadBalancer', clusterIP: 'fd00::10', clusterIPs: ['fd00::10', '10.96.0.99'], sessionAffinity: 'ClientIP', loadBalancerSourceRanges: ['198.51.100.0/24'],
      ports: [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 's', port: 54, protocol: 'SCTP' }],
    });
    const service = { ...odd, status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } };
    const ports = [{ name: 'dns', port: 53, protocol: 'UDP' as const }, { name: 's', port: 54, protocol: 'SCTP' as const }];
    await apply(planRules([service], [sliceOf(long, [endpoint('fd00::1:1'), endpoint('fd00::1:2')], ports, 'IPv6'), sliceOf(long, both, ports)], { ...options, clusterCidrs: ['10.244.0.0/16', 'fd00::/64'] }));
    await apply(planRules([], [], options));
    assert.doesNotMatch(await runProgram(['nft', 'list', 'ruleset'], node), /xxx/);
    await applyRules(planRemoval(current.tables), node);
    assert.doesNotMatch(await runProgram(['nft', 'list', 'ruleset'], node), /skiff/);
  });
});

test('of a program that crashes the signal is told', async () => {
  await assert.rejects(runProgram(['sh', '-c', 'kill -SEGV $$']), /^Error: sh -c kill -SEGV \$\$: killed by SIGSEGV$/);
  await assert.rejects(runProgram(['sh', '-c', 'echo why >&2; exit 3']), /: why$/);
});
