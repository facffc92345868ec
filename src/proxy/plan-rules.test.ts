import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service, ServiceSpec } from '#api/core/service.ts';
import { planRules } from './plan-rules.ts';
import { planChange, planReplacement } from './rule-set.ts';
import type { RuleSet } from './rule-set.ts';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';

const options = { node: { name: 'n1', zone: 'z1' }, clusterName: 't', clusterCidrs: ['10.244.0.0/16', 'fd00::/48'] };

function rulesOf(spec: Partial<ServiceSpec>, endpoints: Parameters<typeof sliceOf>[1]): RuleSet {
  return planRules([serviceOf('web', spec)], [sliceOf('web', endpoints)], options);
}

function follow(rules: RuleSet, map: string, key: string): string {
  const table = rules.tables[0];
  let text = '';
  let verdict = table?.sets.get(map)?.elements.get(key);
  while (verdict !== undefined) {
    text += `${verdict}\n`;
    const chain = table?.chains.get(verdict.replace(/^goto /, ''));
    text += (chain?.rules ?? []).join('\n');
    verdict = chain?.rules.at(-1)?.startsWith('goto ') === true ? chain.rules.at(-1) : undefined;
  }
  return text;
}

test('a cluster IP leads to the ready endpoints only', () => {
  const rules = rulesOf({}, [endpoint('10.244.1.1'), endpoint('10.244.2.1', { nodeName: 'n2' }), endpoint('10.244.2.2', { ready: false })]);
  const path = follow(rules, 'service-ips', '10.96.0.10 . tcp . 80');
  assert.match(path, /numgen random mod 2 map \{ 0 : 10\.244\.1\.1 \. 8080, 1 : 10\.244\.2\.1 \. 8080 \}/);
  assert.match(path, /ip saddr != \{ 10\.244\.0\.0\/16 \} jump mark-for-masquerade/);
});

test('a new pod with the address of one that has ended takes its place, in whatever order they are told', () => {
  const both = [endpoint('10.244.1.1'), endpoint('10.244.1.1', { ready: false, serving: false, terminating: true })];
  for (const endpoints of [both, both.toReversed()]) assert.match(follow(rulesOf({}, endpoints), 'service-ips', '10.96.0.10 . tcp . 80'), /dnat to 10\.244\.1\.1:8080/);
});

test('when none is ready, those that serve while they terminate are used', () => {
  const rules = rulesOf({}, [endpoint('10.244.1.1', { ready: false, serving: true, terminating: true }), endpoint('10.244.1.2', { ready: false })]);
  assert.match(follow(rules, 'service-ips', '10.96.0.10 . tcp . 80'), /dnat to 10\.244\.1\.1:8080/);
});

test('a service without endpoints refuses, one that must stay local drops when they are elsewhere', () => {
  const verdict = (rules: RuleSet): string | undefined => rules.tables[0]?.sets.get('no-endpoint-services')?.elements.get('10.96.0.10 . tcp . 80');
  assert.equal(verdict(rulesOf({}, [])), 'goto reject-chain');
  assert.equal(verdict(rulesOf({ internalTrafficPolicy: 'Local' }, [endpoint('10.244.2.1', { nodeName: 'n2' })])), 'drop');
});

test('a node port with external traffic policy Local keeps the client address and stays on the node', () => {
  const rules = rulesOf(
    { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080, targetPort: 8080 }] },
    [endpoint('10.244.1.1'), endpoint('10.244.2.1', { nodeName: 'n2' })],
  );
  const path = follow(rules, 'service-nodeports', 'tcp . 30080');
  assert.match(path, /fib saddr type local goto service-/);
  assert.match(path, /goto local-.*\n.*dnat to 10\.244\.1\.1:8080/);
});

test('session affinity looks the client up before it chooses', () => {
  const rules = rulesOf({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }, [endpoint('10.244.1.1'), endpoint('10.244.1.2')]);
  const chain = [...(rules.tables[0]?.chains ?? [])].find(([name]) => name.startsWith('service-'))?.[1];
  assert.equal(chain?.rules.filter((rule) => rule.startsWith('ip saddr @affinity-')).length, 2);
  assert.match(chain?.rules.at(-1) ?? '', /numgen random mod 2 vmap/);
});

test('a cluster address is claimed once, whatever its ports, and not by services without one', () => {
  const claimed = (rules: RuleSet): readonly string[] => [...(rules.tables[0]?.sets.get('cluster-ips')?.elements.keys() ?? [])];
  assert.deepEqual(claimed(rulesOf({ ports: [] }, [])), ['10.96.0.10']);
  assert.deepEqual(claimed(rulesOf({ type: 'ExternalName' }, [])), []);
  assert.deepEqual(claimed(rulesOf({ clusterIP: 'None', clusterIPs: ['None'] }, [])), []);
});

test('headless services and ExternalName have no rules', () => {
  assert.equal(rulesOf({ clusterIP: 'None', clusterIPs: ['None'] }, [endpoint('10.244.1.1')]).tables[0]?.sets.get('service-ips')?.elements.size, 0);
});

test('hints for our zone are followed', () => {
  const slice = sliceOf('web', [endpoint('10.244.1.1', { zones: ['z2'] }), endpoint('10.244.1.2', { zones: ['z1'] })]);
  assert.match(follow(planRules([serviceOf('web', {})], [slice], options), 'service-ips', '10.96.0.10 . tcp . 80'), /dnat to 10\.244\.1\.2:8080/);
});

test('nothing changes, nothing is written', () => {
  const rules = rulesOf({}, [endpoint('10.244.1.1')]);
  assert.equal(planChange(rules, rulesOf({}, [endpoint('10.244.1.1')])), '');
});

test('the order of services, slices and endpoints does not matter', () => {
  const inputs = fc.tuple(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }));
  const make = (services: readonly number[], pods: readonly number[]): string =>
    planReplacement(planRules(
      services.map((n): Service => serviceOf(`s${n}`, { clusterIP: `10.96.0.${n}`, clusterIPs: [`10.96.0.${n}`] })),
      services.map((n): EndpointSlice => sliceOf(`s${n}`, pods.map((pod) => endpoint(`10.244.${n}.${pod}`)))),
      options,
    ));
  const expected = make([0, 1, 2, 3], [1, 2, 3, 4, 5]).split('\n').sort();
  fc.assert(fc.property(inputs, ([services, pods]) => assert.deepEqual(make(services, pods).split('\n').sort(), expected)));
});
