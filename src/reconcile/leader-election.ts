/**
 * One of several processes works, the others stand by. The leader holds a Lease and renews it; who finds it not renewed
 * for its whole duration, by the own clock, takes it.
 *
 * Source: Kubernetes documentation "Leases", client-go's leader election parameters; KEP-589.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { Lease } from '#api/coordination/lease.ts';
import type { LeaseSpec } from '#api/coordination/lease.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { microTimestamp } from '#client/timestamp.ts';

export interface LeaderElectionOptions {
  /** The Lease: `kube-controller-manager` in `kube-system`. */
  readonly name: string;
  readonly namespace: string;
  /** Who we are, unique: `host_uuid`. */
  readonly identity: string;
  /** How long a lease lasts that is not renewed. Default: 15 s. */
  readonly leaseDurationMs?: number;
  /** The leader gives up when it could not renew for so long. Default: 10 s. */
  readonly renewDeadlineMs?: number;
  /** Pause between attempts. Default: 2 s. */
  readonly retryPeriodMs?: number;
}

export interface LeaderElectionDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder?: EventRecorder;
}

/** What was last seen of the lease, and when by our clock: the holder's clock is not trusted. */
interface Observation {
  readonly record: string;
  readonly atMs: number;
}

const retryJitter = 1.2;

/**
 * Stands for election until it leads, then calls `lead` and renews. Resolves when leadership is lost, `lead` ends, or
 * `signal` aborts (the lease is then given back). `lead`'s signal aborts when leadership is lost: stop at once.
 */
export async function runElected(
  { client, clock, random, log, recorder }: LeaderElectionDependencies,
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, identity, leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2000 } = options;
  let observed: Observation | undefined;
  let lease: Lease | undefined;

  while (!signal.aborted) {
    if (await acquire()) break;
    await clock.sleep(retryPeriodMs * (1 + random.next() * retryJitter), signal).catch(() => {});
  }
  if (signal.aborted) return;

  log.info({ lease: `${namespace}/${name}`, identity }, 'became leader');
  if (lease !== undefined) recorder?.event({ object: lease }, 'Normal', 'LeaderElection', `${identity} became leader`);
  const lost = new AbortController();
  const leading = lead(AbortSignal.any([signal, lost.signal]));
  await Promise.race([renewUntilLost(), leading]);
  lost.abort(new Error('leadership lost'));
  await leading;
  if (signal.aborted) await release().catch(() => {});

  async function renewUntilLost(): Promise<void> {
    let renewedMs = clock.monotonicMs();
    while (!signal.aborted && !lost.signal.aborted) {
      await clock.sleep(retryPeriodMs, AbortSignal.any([signal, lost.signal])).catch(() => {});
      if (signal.aborted || lost.signal.aborted) return;
      if (await acquire()) renewedMs = clock.monotonicMs();
      else if (clock.monotonicMs() - renewedMs >= renewDeadlineMs) {
        log.error({ lease: `${namespace}/${name}`, identity }, 'failed to renew lease');
        recorder?.event({ object: lease ?? leaseTarget() }, 'Normal', 'LeaderElection', `${identity} stopped leading`);
        return;
      }
    }
  }

  /** Takes or renews the lease; false when another holds it or the server does not answer. */
  async function acquire(): Promise<boolean> {
    try {
      return await tryAcquire();
    } catch (error) {
      log.debug({ lease: `${namespace}/${name}`, error }, 'cannot take or renew the lease');
      lease = undefined;
      return false;
    }
  }

  async function tryAcquire(): Promise<boolean> {
    const nowMs = clock.nowMs();
    if (lease === undefined || lease.spec.holderIdentity !== identity) {
      try {
        lease = await client.get(Lease, { namespace, name }, { signal });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
        lease = await client.create(Lease, { metadata: { name, namespace }, spec: { ...held(nowMs), acquireTime: microTimestamp(nowMs), leaseTransitions: 0 } });
        return true;
      }
    }
    const { spec } = lease;
    const isOurs = spec.holderIdentity === identity;
    const isHeld = spec.holderIdentity !== undefined && spec.holderIdentity !== '';
    const record = JSON.stringify(spec);
    if (observed?.record !== record) observed = { record, atMs: clock.monotonicMs() };
    if (isHeld && !isOurs && observed.atMs + (spec.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000 > clock.monotonicMs()) return false;
    lease = await client.update(Lease, {
      ...lease,
      spec: {
        ...spec,
        ...held(nowMs),
        ...(!isOurs && { acquireTime: microTimestamp(nowMs), leaseTransitions: (spec.leaseTransitions ?? 0) + 1 }),
      },
    });
    return true;
  }

  function held(nowMs: number): LeaseSpec {
    return { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), renewTime: microTimestamp(nowMs) };
  }

  async function release(): Promise<void> {
    if (lease === undefined || lease.spec.holderIdentity !== identity) return;
    const now = microTimestamp(clock.nowMs());
    await client.update(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now } });
  }

  function leaseTarget(): { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string; readonly namespace: string } } {
    return { apiVersion: Lease.apiVersion, kind: Lease.kind, metadata: { name, namespace } };
  }
}
