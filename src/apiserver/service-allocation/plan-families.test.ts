import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ServiceSpec } from '#api/core/service.ts';
import { validateClusterIps } from '#api/core/validate-cluster-ips.ts';
import { describeFieldError } from '#apimachinery/field-error.ts';
import type { IpFamily } from '#apimachinery/ip-range.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { alignClusterIps, settleFamilies } from './plan-families.ts';

type Spec = Partial<Draft<ServiceSpec>>;
const selector = { app: 'web' };

/** Policy and families; or what is wrong. */
function settled(given: Spec, families: readonly IpFamily[], old?: Spec): readonly unknown[] {
  const spec = { type: 'ClusterIP', selector, ...given } as Draft<ServiceSpec>;
  const before = old === undefined ? undefined : ({ type: 'ClusterIP', selector, ...old } as ServiceSpec);
  alignClusterIps(spec, before);
  const errors = settleFamilies(spec, before, families);
  return errors.length > 0 ? errors.map(describeFieldError) : [spec.ipFamilyPolicy, spec.ipFamilies, spec.clusterIPs];
}

const dual: readonly IpFamily[] = ['IPv4', 'IPv6'];
const four: readonly IpFamily[] = ['IPv4'];

test('a new Service has the families it asks for, as far as the cluster has them', () => {
  for (const [given, families, expected] of [
    [{}, four, ['SingleStack', ['IPv4'], undefined]],
    [{}, ['IPv6', 'IPv4'], ['SingleStack', ['IPv6'], undefined]],
    [{ ipFamilyPolicy: 'PreferDualStack' }, four, ['PreferDualStack', ['IPv4'], undefined]],
    [{ ipFamilyPolicy: 'PreferDualStack' }, dual, ['PreferDualStack', ['IPv4', 'IPv6'], undefined]],
    [{ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, dual, ['RequireDualStack', ['IPv6', 'IPv4'], undefined]],
    [{ ipFamilyPolicy: 'RequireDualStack' }, four, ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services']],
    [{ ipFamilies: ['IPv6'] }, four, ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']],
    [{ clusterIP: 'fd00::1' }, four, ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster']],
    [{ clusterIP: 'fd00::1' }, dual, ['SingleStack', ['IPv6'], ['fd00::1']]],
    [{ clusterIP: 'None' }, dual, ['SingleStack', ['IPv4'], ['None']]],
    // Nobody routes to it: it may have families that the cluster has not.
    [{ clusterIP: 'None', selector: {} }, four, ['RequireDualStack', ['IPv4', 'IPv6'], ['None']]],
    [{ type: 'ExternalName' }, dual, [undefined, undefined, undefined]],
  ] as const) assert.deepEqual(settled(given as unknown as Spec, families, undefined), expected, JSON.stringify(given));
});

test('a Service that prefers two families keeps what it has when the cluster changes', () => {
  const old: Spec = { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4'], clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] };
  assert.deepEqual(settled(structuredClone(old), dual, old), ['PreferDualStack', ['IPv4'], ['10.0.0.1']]);
});

test('the second address goes with the policy, never by itself', () => {
  const old: Spec = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'], clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', 'fd00::1'] };
  assert.deepEqual(settled({ ...structuredClone(old), ipFamilyPolicy: 'SingleStack' }, dual, old), ['SingleStack', ['IPv4'], ['10.0.0.1']]);
  assert.deepEqual(settled({ ...structuredClone(old), clusterIPs: ['10.0.0.1'] }, dual, old), ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP']);
});

test('who writes only the older field means both', () => {
  const old: Spec = { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] };
  for (const [given, expected] of [
    [{ clusterIP: '10.0.0.1' }, ['10.0.0.1']],
    [{ clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.1'] }, ['10.0.0.2']],
    [{ clusterIPs: ['10.0.0.1'] }, undefined],
  ] as const) {
    const spec = structuredClone(given) as unknown as Draft<ServiceSpec>;
    alignClusterIps(spec, old);
    assert.deepEqual(spec.clusterIPs, expected);
  }
});

test('whatever is asked, what comes of it is in order', () => {
  const family = fc.constantFrom('IPv4', 'IPv6');
  const address = fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1', 'None');
  const given = fc.record({
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
    ipFamilies: fc.array(family, { maxLength: 2 }),
    clusterIPs: fc.array(address, { maxLength: 2 }),
  }, { requiredKeys: [] });
  fc.assert(fc.property(given, fc.constantFrom(four, dual, ['IPv6', 'IPv4'] as const), (asked, families) => {
    const spec = { type: 'ClusterIP', selector, ...structuredClone(asked), ...(asked.clusterIPs?.[0] !== undefined && { clusterIP: asked.clusterIPs[0] }) } as unknown as Draft<ServiceSpec>;
    if (settleFamilies(spec, undefined, families).length > 0) return;
    assert.deepEqual([...validateClusterIps(spec)], []);
    assert.ok((spec.ipFamilies ?? []).length > 0);
    assert.ok(spec.ipFamilies?.every((each) => (families as readonly string[]).includes(each)));
    assert.equal(spec.ipFamilies?.length, spec.ipFamilyPolicy !== 'SingleStack' && families.length === 2 ? 2 : spec.ipFamilies?.length);
    if (spec.ipFamilyPolicy === 'SingleStack') assert.equal(spec.ipFamilies?.length, 1);
  }));
});
