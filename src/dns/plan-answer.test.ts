import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { endpointOf, indexOf, serviceOf, sliceOf } from './dns.fixture.ts';
import { DnsIndex } from './dns-index.ts';
import { planAnswer } from './plan-answer.ts';
import type { DnsRecord } from './records.ts';

const zone = { domain: 'cluster.local', ttl: 5 };

function ask(name: string, type: string, index = indexOf()): string {
  const plan = planAnswer({ name, type }, index, zone);
  if (plan.kind === 'forward') return 'forward';
  if (plan.kind === 'alias') return `${textOf(plan.answers)} then ${plan.target}`;
  const negative = plan.authorities.map(({ type: kind }) => kind).join();
  return [plan.rcode, textOf(plan.answers), ...(negative === '' ? [] : [`authority ${negative}`])].filter((part) => part !== '').join(' ');
}

function textOf(records: readonly DnsRecord[]): string {
  return records.map(({ type, data }) => `${type} ${typeof data === 'string' ? data : 'target' in data ? `${data.priority} ${data.weight} ${data.port} ${data.target}` : `${data.mname} ${data.minimum}`}`).join(', ');
}

const nodata = 'NOERROR authority SOA';
const nxdomain = 'NXDOMAIN authority SOA';
const table: readonly (readonly [string, string, string])[] = [
  // Services with an address.
  ['hello.default.svc.cluster.local', 'A', 'NOERROR A 10.96.0.5'],
  ['hello.default.svc.cluster.local', 'AAAA', 'NOERROR AAAA fd00:10:96::5'],
  ['plain.default.svc.cluster.local', 'AAAA', nodata],
  ['plain.default.svc.cluster.local', 'MX', nodata],
  ['hello.default.svc.cluster.local', 'SRV', 'NOERROR SRV 0 100 80 hello.default.svc.cluster.local'],
  ['_http._tcp.hello.default.svc.cluster.local', 'SRV', 'NOERROR SRV 0 100 80 hello.default.svc.cluster.local'],
  ['_http._tcp.hello.default.svc.cluster.local', 'A', 'NOERROR A 10.96.0.5'],
  ['_http._udp.hello.default.svc.cluster.local', 'SRV', nxdomain],
  ['_https._tcp.hello.default.svc.cluster.local', 'SRV', nxdomain],
  ['__._tcp.plain.default.svc.cluster.local', 'SRV', nxdomain],
  ['_tcp.hello.default.svc.cluster.local', 'SRV', nodata],
  ['_udp.hello.default.svc.cluster.local', 'SRV', nxdomain],
  ['10-244-0-7.hello.default.svc.cluster.local', 'A', 'NOERROR A 10.244.0.7'],
  // Headless ones.
  ['web.default.svc.cluster.local', 'A', 'NOERROR A 10.244.0.8, A 10.244.0.9'],
  ['web.default.svc.cluster.local', 'AAAA', 'NOERROR AAAA fd00::8'],
  ['web-0.web.default.svc.cluster.local', 'A', 'NOERROR A 10.244.0.8'],
  ['web-0.web.default.svc.cluster.local', 'AAAA', 'NOERROR AAAA fd00::8'],
  ['web-1.web.default.svc.cluster.local', 'AAAA', nodata],
  ['web-2.web.default.svc.cluster.local', 'A', nxdomain],
  ['web-0.web.default.svc.cluster.local', 'SRV', 'NOERROR SRV 0 100 8080 web-0.web.default.svc.cluster.local'],
  ['_http._tcp.web.default.svc.cluster.local', 'SRV', 'NOERROR SRV 0 50 8080 web-0.web.default.svc.cluster.local, SRV 0 50 8080 web-1.web.default.svc.cluster.local'],
  ['_other._tcp.web.default.svc.cluster.local', 'SRV', nxdomain],
  ['empty.default.svc.cluster.local', 'A', nxdomain],
  ['early.default.svc.cluster.local', 'A', 'NOERROR A 10.244.0.12'],
  ['10-244-0-12.early.default.svc.cluster.local', 'A', 'NOERROR A 10.244.0.12'],
  // External names.
  ['outside.default.svc.cluster.local', 'A', 'CNAME example.com then example.com'],
  ['outside.default.svc.cluster.local', 'CNAME', 'NOERROR CNAME example.com'],
  ['inside.default.svc.cluster.local', 'A', 'NOERROR CNAME hello.default.svc.cluster.local, A 10.96.0.5'],
  ['nowhere.default.svc.cluster.local', 'A', 'NXDOMAIN CNAME gone.default.svc.cluster.local authority SOA'],
  ['number.default.svc.cluster.local', 'A', nxdomain],
  ['circle-a.default.svc.cluster.local', 'A', 'NOERROR CNAME circle-b.default.svc.cluster.local, CNAME circle-a.default.svc.cluster.local'],
  ['x.outside.default.svc.cluster.local', 'A', nxdomain],
  // Pods, by the form of their names.
  ['10-244-0-7.default.pod.cluster.local', 'A', 'NOERROR A 10.244.0.7'],
  ['10-244-0-7.default.pod.cluster.local', 'AAAA', nodata],
  ['fd00--8.default.pod.cluster.local', 'AAAA', 'NOERROR AAAA fd00::8'],
  ['10-244-0-700.default.pod.cluster.local', 'A', nxdomain],
  ['10-244-0-7.gone.pod.cluster.local', 'A', nxdomain],
  ['default.pod.cluster.local', 'A', nodata],
  // What stands above them.
  ['cluster.local', 'A', nodata],
  ['cluster.local', 'SOA', 'NOERROR SOA ns.dns.cluster.local 5'],
  ['cluster.local', 'NS', 'NOERROR NS kube-dns.kube-system.svc.cluster.local'],
  ['ns.dns.cluster.local', 'A', 'NOERROR A 10.96.0.10'],
  ['svc.cluster.local', 'A', nodata],
  ['pod.cluster.local', 'A', nodata],
  ['default.svc.cluster.local', 'A', nodata],
  ['bare.svc.cluster.local', 'A', nodata],
  ['gone.svc.cluster.local', 'A', nxdomain],
  ['dns-version.cluster.local', 'TXT', 'NOERROR TXT 1.1.0'],
  ['dns-version.cluster.local', 'A', nodata],
  ['cluster.local', 'AXFR', 'REFUSED'],
  // What the search path makes of other names.
  ['gone.default.svc.cluster.local', 'A', nxdomain],
  ['example.com.default.svc.cluster.local', 'A', nxdomain],
  ['example.com.svc.cluster.local', 'A', nxdomain],
  ['example.com.cluster.local', 'A', nxdomain],
  ['a.b.c.hello.default.svc.cluster.local', 'A', nxdomain],
  // Addresses.
  ['5.0.96.10.in-addr.arpa', 'PTR', 'NOERROR PTR hello.default.svc.cluster.local'],
  ['5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa', 'PTR', 'NOERROR PTR hello.default.svc.cluster.local'],
  ['8.0.244.10.in-addr.arpa', 'PTR', 'NOERROR PTR web-0.web.default.svc.cluster.local'],
  ['7.0.244.10.in-addr.arpa', 'PTR', 'NOERROR PTR 10-244-0-7.hello.default.svc.cluster.local'],
  ['10.0.244.10.in-addr.arpa', 'PTR', 'forward'],
  ['1.1.1.1.in-addr.arpa', 'PTR', 'forward'],
  // Everything else.
  ['example.com', 'A', 'forward'],
  ['notcluster.local', 'A', 'forward'],
  ['hello', 'A', 'forward'],
  ['', 'NS', 'forward'],
];

for (const [name, type, expected] of table) {
  test(`${name === '' ? '.' : name} ${type}: ${expected}`, () => assert.equal(ask(name, type), expected));
}

test('an answer of services comes with their addresses', () => {
  const plan = planAnswer({ name: '_http._tcp.web.default.svc.cluster.local', type: 'SRV' }, indexOf(), zone);
  assert.equal(plan.kind === 'answer' ? textOf(plan.additionals) : '', 'A 10.244.0.8, A 10.244.0.9, AAAA fd00::8');
});

test('names follow what changes', () => {
  const index = indexOf();
  const web = (type = 'A'): string => ask('web.default.svc.cluster.local', type, index);
  index.setSlice(sliceOf('default', 'web', [endpointOf('10.244.0.9', { hostname: 'web-1' })]));
  assert.equal(web(), 'NOERROR A 10.244.0.9');
  assert.equal(ask('web-0.web.default.svc.cluster.local', 'A', index), nodata, 'its IPv6 address is in the other slice');
  assert.equal(ask('8.0.244.10.in-addr.arpa', 'PTR', index), 'forward');
  index.deleteSlice(sliceOf('default', 'web', []));
  index.deleteSlice(sliceOf('default', 'web', [], { name: 'web-6' }));
  assert.equal(web(), nxdomain);
  index.setService(serviceOf('default', 'web', { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'] }));
  assert.equal(web(), 'NOERROR A 10.96.0.77');
  index.deleteService(serviceOf('default', 'web', {}));
  assert.equal(web(), nxdomain);
  assert.equal(ask('77.0.96.10.in-addr.arpa', 'PTR', index), 'forward');
  index.deleteNamespace('bare');
  assert.equal(ask('bare.svc.cluster.local', 'A', index), nxdomain);
});

test('a slice that moves to another service leaves the first', () => {
  const index = indexOf();
  index.setSlice(sliceOf('default', 'empty', [endpointOf('10.244.0.8')], { name: 'web-1' }));
  assert.equal(ask('web.default.svc.cluster.local', 'A', index), nodata);
  assert.equal(ask('empty.default.svc.cluster.local', 'A', index), 'NOERROR A 10.244.0.8');
});

test('an address in two slices is one answer, until both are gone', () => {
  const index = new DnsIndex();
  index.setNamespace('default');
  index.setService(serviceOf('default', 'web', { clusterIP: 'None' }));
  const [old, young] = [sliceOf('default', 'web', [endpointOf('10.0.0.1')], { name: 'old' }), sliceOf('default', 'web', [endpointOf('10.0.0.1')], { name: 'young' })];
  index.setSlice(old);
  index.setSlice(young);
  assert.equal(ask('web.default.svc.cluster.local', 'A', index), 'NOERROR A 10.0.0.1');
  index.deleteSlice(old);
  assert.equal(ask('1.0.0.10.in-addr.arpa', 'PTR', index), 'NOERROR PTR 10-0-0-1.web.default.svc.cluster.local');
  index.deleteSlice(young);
  assert.equal(ask('1.0.0.10.in-addr.arpa', 'PTR', index), 'forward');
});

test('after any changes the index is as if it had been made anew', () => {
  const change = fc.record({
    slice: fc.constantFrom('s1', 's2', 's3'), service: fc.constantFrom('web', 'db'), isGone: fc.boolean(),
    hosts: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
  });
  fc.assert(fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
    const fresh = (): DnsIndex => {
      const index = new DnsIndex();
      index.setNamespace('default');
      for (const name of ['web', 'db']) index.setService(serviceOf('default', name, { clusterIP: 'None' }));
      return index;
    };
    const [kept, last] = [fresh(), new Map<string, ReturnType<typeof sliceOf>>()];
    for (const { slice, service, isGone, hosts } of changes) {
      const object = sliceOf('default', service, hosts.map((host) => endpointOf(`10.0.0.${host}`)), { name: slice });
      if (isGone) kept.deleteSlice(object);
      else kept.setSlice(object);
      last.delete(slice);
      if (!isGone) last.set(slice, object);
    }
    const made = fresh();
    for (const slice of last.values()) made.setSlice(slice);
    const sorted = (text: string): string => text.split(/[ ,]+/).sort().join(' ');
    for (const name of ['web.default.svc.cluster.local', 'db.default.svc.cluster.local', '10-0-0-1.web.default.svc.cluster.local']) {
      assert.equal(sorted(ask(name, 'A', kept)), sorted(ask(name, 'A', made)));
    }
    for (const host of [1, 2, 3, 4]) assert.equal(sorted(ask(`${host}.0.0.10.in-addr.arpa`, 'PTR', kept)), sorted(ask(`${host}.0.0.10.in-addr.arpa`, 'PTR', made)));
  }));
});
