import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { planServiceCidr } from './service-cidr-controller.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const deletedMs = Date.parse('2026-01-01T00:00:00Z');

function range(name: string, cidrs: readonly string[], { finalizers = [finalizer], ready = 'True', deleted = false }: { readonly finalizers?: readonly string[]; readonly ready?: string; readonly deleted?: boolean } = {}): ServiceCIDR {
  return {
    metadata: { name, finalizers, ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { cidrs },
    status: { conditions: ready === '' ? [] : [{ type: 'Ready', status: ready, reason: '', message: '' }] },
  } as unknown as ServiceCIDR;
}
const none = (): string[] => [];

test('a new one gets its finalizer, then its condition', () => {
  assert.deepEqual(planServiceCidr(range('a', ['10.0.0.0/24'], { finalizers: ['x'], ready: '' }), [], none, 0), { is: 'finalizers', finalizers: ['x', finalizer] });
  assert.deepEqual(planServiceCidr(range('a', ['10.0.0.0/24'], { ready: '' }), [], none, 0), { is: 'ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' });
  assert.deepEqual(planServiceCidr(range('a', ['10.0.0.0/24']), [], none, 0), { is: 'done' });
});

test('a deleted one stays while an address would be left without, and says so', () => {
  const deleted = range('a', ['10.0.0.0/24'], { deleted: true });
  const blocked = planServiceCidr(deleted, [range('b', ['10.1.0.0/16'])], () => ['10.1.0.7', '10.0.0.7'], deletedMs + 60_000);
  assert.deepEqual([blocked.is, blocked.is === 'ready' && blocked.status, blocked.is === 'ready' && blocked.reason], ['ready', 'False', 'Terminating']);
  for (const others of [[range('b', ['10.0.0.0/16'])], [range('b', ['10.0.0.0/24'])], [range('b', ['10.0.0.0/28'])]]) {
    assert.equal(planServiceCidr(deleted, others, () => ['10.0.0.7'], deletedMs + 60_000).is, 'finalizers');
  }
});

test('one that nobody needs goes when every server has had time to learn of it', () => {
  const deleted = range('a', ['10.0.0.0/24', 'fd00::/112'], { deleted: true });
  assert.deepEqual(planServiceCidr(deleted, [], none, deletedMs + 4000), { is: 'wait', ms: 6000 });
  assert.deepEqual(planServiceCidr(deleted, [], none, deletedMs + 10_000), { is: 'finalizers', finalizers: [] });
  assert.deepEqual(planServiceCidr(range('a', ['10.0.0.0/24'], { deleted: true, finalizers: ['x'] }), [], none, deletedMs + 10_000), { is: 'done' });
});
