/**
 * How requests are sorted and how much of the server each sort may use, until an administrator decides otherwise.
 * Source: Kubernetes documentation, "API Priority and Fairness: defaults".
 */
import type { Subject } from '#api/flowcontrol/flow-schema.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import type { DefaultObject } from './default-object.ts';
import { defaultObject } from './default-object.ts';

const annotations = { 'apf.kubernetes.io/autoupdate-spec': 'true' };

interface Share {
  readonly shares: number;
  readonly lendablePercent: number;
  /** None: what cannot run at once is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly queueLengthLimit: number };
}

function level(name: string, { shares, lendablePercent, queuing }: Share): DefaultObject {
  return defaultObject(PriorityLevelConfiguration, {
    metadata: { name, annotations },
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse: queuing === undefined ? { type: 'Reject' } : { type: 'Queue', queuing } },
    },
  });
}

const queues = (count: number, handSize: number): NonNullable<Share['queuing']> => ({ queues: count, handSize, queueLengthLimit: 50 });

const levels: readonly DefaultObject[] = [
  defaultObject(PriorityLevelConfiguration, { metadata: { name: 'exempt', annotations }, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } }),
  level('catch-all', { shares: 5, lendablePercent: 0 }),
  level('system', { shares: 30, lendablePercent: 33, queuing: queues(64, 6) }),
  level('node-high', { shares: 40, lendablePercent: 25, queuing: queues(64, 6) }),
  level('leader-election', { shares: 10, lendablePercent: 0, queuing: queues(16, 4) }),
  level('workload-high', { shares: 40, lendablePercent: 50, queuing: queues(128, 6) }),
  level('workload-low', { shares: 100, lendablePercent: 90, queuing: queues(128, 6) }),
  level('global-default', { shares: 20, lendablePercent: 50, queuing: queues(128, 6) }),
];

interface Sort {
  readonly level: string;
  /** The schema with the lowest number that matches a request counts. */
  readonly precedence: number;
  readonly by?: 'ByUser' | 'ByNamespace';
  readonly subjects: readonly Subject[];
  /** Default: everything. */
  readonly resources?: readonly { readonly verbs: readonly string[]; readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly clusterScope?: true; readonly namespaces?: readonly string[] }[];
  readonly paths?: readonly string[];
}

const everyResource = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }] as const;

function schema(nowIso: string, name: string, { level: levelName, precedence, by, subjects, resources, paths }: Sort): DefaultObject {
  const isForAll = resources === undefined && paths === undefined;
  const urls = isForAll ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : paths === undefined ? undefined : [{ verbs: ['get'], nonResourceURLs: paths }];
  return defaultObject(FlowSchema, {
    metadata: { name, annotations },
    spec: {
      priorityLevelConfiguration: { name: levelName },
      matchingPrecedence: precedence,
      ...(by !== undefined && { distinguisherMethod: { type: by } }),
      rules: [{ subjects, resourceRules: isForAll ? everyResource : resources, nonResourceRules: urls }],
    },
    status: {
      conditions: [{
        type: 'Dangling', status: 'False', lastTransitionTime: nowIso, reason: 'Found',
        message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(levelName)} and it exists`,
      }],
    },
  });
}

const user = (name: string): Subject => ({ kind: 'User', user: { name } });
const group = (name: string): Subject => ({ kind: 'Group', group: { name } });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } });
const everybody = [group('system:unauthenticated'), group('system:authenticated')];
const leases = [{ verbs: ['get', 'create', 'update'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] }];

const schemas: readonly (readonly [name: string, sort: Sort])[] = [
  ['exempt', { level: 'exempt', precedence: 1, subjects: [group('system:masters')] }],
  ['probes', { level: 'exempt', precedence: 2, subjects: everybody, paths: ['/healthz', '/readyz', '/livez'] }],
  ['system-leader-election', { level: 'leader-election', precedence: 100, by: 'ByUser', subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')], resources: leases }],
  ['endpoint-controller', {
    level: 'workload-high', precedence: 150, by: 'ByUser',
    subjects: [user('system:kube-controller-manager'), account('endpoint-controller'), account('endpointslicemirroring-controller')],
    resources: [{ verbs: ['get', 'create', 'update'], apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] }],
  }],
  ['workload-leader-election', { level: 'leader-election', precedence: 200, by: 'ByUser', subjects: [account('*')], resources: leases }],
  ['system-node-high', {
    level: 'node-high', precedence: 400, by: 'ByUser', subjects: [group('system:nodes')],
    resources: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
    ],
  }],
  ['system-nodes', { level: 'system', precedence: 500, by: 'ByUser', subjects: [group('system:nodes')] }],
  ['kube-controller-manager', { level: 'workload-high', precedence: 800, by: 'ByNamespace', subjects: [user('system:kube-controller-manager')] }],
  ['kube-scheduler', { level: 'workload-high', precedence: 800, by: 'ByNamespace', subjects: [user('system:kube-scheduler')] }],
  ['kube-system-service-accounts', { level: 'workload-high', precedence: 900, by: 'ByNamespace', subjects: [account('*')] }],
  ['service-accounts', { level: 'workload-low', precedence: 9000, by: 'ByUser', subjects: [group('system:serviceaccounts')] }],
  ['global-default', { level: 'global-default', precedence: 9900, by: 'ByUser', subjects: everybody }],
  ['catch-all', { level: 'catch-all', precedence: 10_000, by: 'ByUser', subjects: everybody }],
];

/** All default levels and schemas, as of now. */
export function flowControlObjects(nowIso: string): readonly DefaultObject[] {
  return [...levels, ...schemas.map(([name, sort]) => schema(nowIso, name, sort))];
}
