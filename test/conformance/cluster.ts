import assert from 'node:assert/strict';
import type { Deployment as DeploymentObject } from '#api/apps/deployment.ts';
import type { ReplicaSet as ReplicaSetObject } from '#api/apps/replica-set.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import type { ReplicationController as ReplicationControllerObject } from '#api/core/replication-controller.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import type { Client } from '#client/client.ts';
import type { TestCluster } from '#testing/index.ts';
import { SimulatedClock } from '#testing/index.ts';
import { conformance } from './conformance.ts';

let serial = 0;

/** One namespace of a test cluster, with what tests of workloads say again and again. */
export class Workspace {
  readonly namespace = `e2e-${++serial}`;
  readonly cluster: TestCluster;
  readonly client: Client;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.client = cluster.client;
  }

  /** Makes the namespace; resolves when pods can be made in it. */
  async open(): Promise<this> {
    await this.client.create(Namespace, { metadata: { name: this.namespace } });
    await this.cluster.until(ServiceAccount, { namespace: this.namespace, name: 'default' }, (account) => account !== undefined);
    return this;
  }

  async close(): Promise<void> {
    await this.client.delete(Namespace, { name: this.namespace });
  }

  key(name: string): { readonly namespace: string; readonly name: string } {
    return { namespace: this.namespace, name };
  }

  async until<T extends KubeObject>(kind: ResourceKind<T>, name: string, condition: (object: T) => boolean): Promise<T> {
    const found = await this.cluster.until(kind, this.key(name), (object) => object !== undefined && condition(object));
    assert.ok(found !== undefined);
    return found;
  }
  async untilGone<T extends KubeObject>(kind: ResourceKind<T>, name: string): Promise<void> {
    await this.cluster.until(kind, this.key(name), (object) => object === undefined);
  }

  async pods(labelSelector?: string): Promise<readonly PodObject[]> {
    return (await this.client.list(Pod, { namespace: this.namespace, labelSelector })).items;
  }
  async replicaSets(): Promise<readonly ReplicaSetObject[]> {
    return (await this.client.list(ReplicaSet, { namespace: this.namespace })).items;
  }
  /** Reads again and again until the condition holds; bounded by the timeout of the test. */
  async eventually(condition: () => Promise<boolean>, everyMs = 5): Promise<void> {
    while (!await condition()) await (this.cluster.clock instanceof SimulatedClock ? this.cluster.advance(100) : this.cluster.clock.sleep(everyMs));
  }

  pod(name: string, more: { readonly labels?: Record<string, string>; readonly spec?: Given<PodObject['spec']> } = {}): Given<PodObject> {
    return { metadata: { ...this.key(name), labels: more.labels ?? { name } }, spec: { containers: [{ name: 'c', image: 'agnhost:2.53' }], ...more.spec } };
  }
  deployment(name: string, replicas: number, more: Given<DeploymentObject['spec']> = {}): Given<DeploymentObject> {
    return { metadata: { ...this.key(name), labels: { app: name } }, spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...more } };
  }
  replicaSet(name: string, replicas: number, more: Given<ReplicaSetObject['spec']> = {}): Given<ReplicaSetObject> {
    return { metadata: { ...this.key(name), labels: { app: name } }, spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...more } };
  }
  replicationController(name: string, replicas: number): Given<ReplicationControllerObject> {
    return { metadata: { ...this.key(name), labels: { app: name } }, spec: { replicas, selector: { app: name }, template: template(name) } };
  }
}

export function template(name: string, image = 'agnhost:2.53'): { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: Given<PodObject['spec']> } {
  return { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] } };
}
export function isReady({ status }: PodObject): boolean {
  return status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
}
export function ownerOf(object: KubeObject): string | undefined {
  return object.metadata.ownerReferences?.find((each) => each.controller === true)?.uid;
}

/**
 * How the tests of a file are written: each in a namespace of its own. `clusterOf` is asked when they run; `tidy` ends what
 * must be gone before the next.
 */
export function workspaceTests(clusterOf: () => TestCluster, tidy?: (workspace: Workspace) => Promise<void>): (codename: string, check: (workspace: Workspace) => Promise<void>) => void {
  return (codename, check) => conformance(codename, async () => {
    const workspace = await new Workspace(clusterOf()).open();
    await check(workspace);
    await tidy?.(workspace);
    await workspace.close();
  });
}
