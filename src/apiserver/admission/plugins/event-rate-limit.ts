import { Event } from '#api/core/event.ts';
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { SettingsReader } from '../configuration.ts';

const types = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const;
type LimitType = (typeof types)[number];

interface Limit {
  readonly type: LimitType;
  readonly perSecond: number;
  readonly burst: number;
  /** How many namespaces, users or sources are kept apart. */
  readonly maxKeys: number;
}

/**
 * So many events a second and no more, of the whole server, a namespace, a user or one source about one object.
 * Source: Kubernetes documentation, "EventRateLimit"; API reference, eventratelimit.admission.k8s.io/v1alpha1.
 */
export function eventRateLimit(settings: unknown, clock: Clock): AdmissionPlugin {
  const buckets = limitsOf(settings).map((limit) => new Buckets(limit, clock));
  return {
    name: 'EventRateLimit',
    validate(request) {
      if (request.operation === 'DELETE' || request.dryRun || request.kind.kind !== Event.kind || !(request.kind.group === '' || request.kind.group === 'events.k8s.io')) return;
      const refused = buckets.map((each) => each.take(request)).filter((each) => each !== undefined);
      if (refused.length > 0) throw tooManyRequests(refused.length === 1 ? (refused[0] ?? '') : `[${refused.join(', ')}]`, 1);
    },
  };
}

function limitsOf(settings: unknown): readonly Limit[] {
  const reader = new SettingsReader('EventRateLimit');
  if (settings === undefined) reader.fail('(root)', 'the plugin needs settings, by --admission-control-config-file');
  const root = reader.object(settings, '(root)');
  reader.known(root, '', ['kind', 'apiVersion', 'limits']);
  const limits = reader.list(root['limits'], 'limits');
  if (limits.length === 0) reader.fail('limits', 'Invalid value: must not be empty');
  return limits.map((given, index) => {
    const path = `limits[${index}]`;
    const limit = reader.object(given, path);
    reader.known(limit, path, ['type', 'qps', 'burst', 'cacheSize']);
    const type = types.find((each) => each === limit['type']);
    if (type === undefined) return reader.fail(`${path}.type`, `Unsupported value: ${JSON.stringify(limit['type'] ?? '')}: supported values: ${types.map((each) => JSON.stringify(each)).join(', ')}`);
    return { type, perSecond: reader.count(limit['qps'], `${path}.qps`), burst: reader.count(limit['burst'], `${path}.burst`), maxKeys: reader.count(limit['cacheSize'], `${path}.cacheSize`, 4096) };
  });
}

/** A bucket of tokens for every key; those not asked for longest are forgotten. */
class Buckets {
  readonly #limit: Limit;
  readonly #clock: Clock;
  readonly #byKey = new Map<string, { tokens: number; atMs: number }>();

  constructor(limit: Limit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Why not; undefined when there is a token left. */
  take(request: AdmissionRequest): string | undefined {
    const { type, perSecond, burst, maxKeys } = this.#limit;
    const key = keyOf(type, request);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#byKey.get(key);
    const tokens = known === undefined ? burst : Math.min(burst, known.tokens + ((nowMs - known.atMs) / 1000) * perSecond);
    this.#byKey.delete(key);
    this.#byKey.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#byKey.size > maxKeys) for (const oldest of this.#byKey.keys()) {
      this.#byKey.delete(oldest);
      break;
    }
    return tokens >= 1 ? undefined : `limit reached on type ${type} for key ${key}`;
  }
}

function keyOf(type: LimitType, { namespace, user, object }: AdmissionRequest): string {
  switch (type) {
    case 'Server':
      return '';
    case 'Namespace':
      return namespace;
    case 'User':
      return user.name;
    case 'SourceAndObject': {
      const { source, involvedObject } = object as unknown as KubeObject & Partial<Pick<Event, 'source' | 'involvedObject'>>;
      return [source?.component, source?.host, involvedObject?.kind, involvedObject?.namespace, involvedObject?.name, involvedObject?.uid, involvedObject?.apiVersion].map((each) => each ?? '').join('');
    }
  }
}
