/** `skiff up --demo`: examples/hello.yaml on a fresh cluster, and the address that answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { Event } from '#api/core/event.ts';
import { Service } from '#api/core/service.ts';
import { kinds } from '#api/kinds.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import type { ClusterLayout } from '#cluster/layout.ts';
import { loadDemoImages } from '#cluster/demo-images.ts';
import { nodeAddress } from '#cluster/node-address.ts';
import type { Progress } from '../terminal.ts';

const manifest = join(import.meta.dirname, '../../../examples/hello.yaml');

/** How long the demo's pods may take. */
const rolloutTimeoutMs = 120_000;

export async function runDemo(layout: ClusterLayout, progress: Progress): Promise<void> {
  const transport = createHttpsTransport(connectionFrom(loadKubeconfig({ file: layout.adminKubeconfig })), { clock: systemClock, userAgent: 'skiff-demo' });
  const client = createClient(transport);
  try {
    const isReal = await progress.step('Demo image', async (remark) => {
      const names = await loadDemoImages(layout);
      remark(names === undefined ? 'not needed, for pods are simulated' : names.join(', '));
      return names !== undefined;
    });
    const objects = await progress.step('Applying examples/hello.yaml', async (remark) => {
      const applied = await applyDemo(client);
      remark(applied.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', '));
      return applied;
    });
    await progress.step('Waiting for its pods', async (remark) => remark(await demoIsRolledOut(client, objects)));
    const address = await addressOf(client, objects);
    if (isReal && address !== undefined) await progress.step(`Asking ${address}`, async (remark) => remark(await firstLineOf(address)));
    sayWhatToDoNext(layout, address, isReal);
  } finally {
    await transport.close();
  }
}

/** Applies the demo as `kubectl apply --server-side` does; answers what the manifest holds. */
export async function applyDemo(client: Client): Promise<readonly Manifest[]> {
  const objects = readManifest(readFileSync(manifest, 'utf8'));
  for (const object of objects) await applyObject(client, object);
  return objects;
}

/** Resolves when every Deployment among `objects` is available, with a sentence about it. */
export async function demoIsRolledOut(client: Client, objects: readonly Manifest[]): Promise<string> {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  return (await Promise.all(deployments.map(({ metadata: { name, namespace = 'default' } }) => rolledOut(client, { name, namespace })))).join('; ');
}

export type Manifest = KubeObject & { readonly apiVersion: string; readonly kind: string };

function readManifest(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

async function applyObject(client: Client, object: Manifest): Promise<void> {
  const kind = kinds.find((each) => each.apiVersion === object.apiVersion && each.kind === object.kind);
  if (kind === undefined) throw new Error(`examples/hello.yaml: there is no kind ${object.kind} in ${object.apiVersion}`);
  const namespace = object.metadata.namespace ?? 'default';
  const whole = { ...object, metadata: { ...object.metadata, namespace } };
  const options = { fieldManager: 'skiff-up', force: true };
  try {
    await client.apply(kind, whole, options);
  } catch (error) {
    // A cluster beside others has other node ports than the manifest asks for: it gets one of its own.
    if (!(error instanceof StatusError && error.details?.causes?.some(({ field }) => field?.endsWith('.nodePort') === true) === true)) throw error;
    await client.apply(kind, withoutNodePorts(whole), options);
  }
}

function withoutNodePorts(object: Manifest): Manifest {
  const { spec } = object as unknown as Service;
  return { ...object, spec: { ...spec, ports: spec.ports?.map(({ nodePort: _nodePort, ...port }) => port) } } as Manifest;
}

/** As `kubectl rollout status`: until the newest generation is available everywhere. */
async function rolledOut(client: Client, key: { readonly name: string; readonly namespace: string }): Promise<string> {
  const signal = AbortSignal.timeout(rolloutTimeoutMs);
  const isDone = ({ metadata, spec, status }: Deployment): boolean => (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
    && status.updatedReplicas === spec.replicas && status.availableReplicas === spec.replicas && status.replicas === spec.replicas;
  let last = await client.get(Deployment, key, { signal });
  const watched = client.watch(Deployment, { namespace: key.namespace, fieldSelector: `metadata.name=${key.name}`, resourceVersion: last.metadata.resourceVersion, signal });
  try {
    if (!isDone(last)) {
      reading: for await (const events of watched) {
        for (const { object } of events) {
          last = object;
          if (isDone(last)) break reading;
        }
      }
    }
  } catch (error) {
    // Also when the time is over; then the watch may end without an error as well.
    if (!signal.aborted) throw error;
  }
  if (!isDone(last)) {
    const why = await warnings(client, key.namespace);
    throw new Error(`${last.status.availableReplicas ?? 0} of ${last.spec.replicas} pods are available after ${rolloutTimeoutMs / 1000} s${why === '' ? '' : `; the cluster says:\n${why}`}`);
  }
  return `${last.status.availableReplicas} of ${last.spec.replicas} pods are available`;
}

/** The last things that went wrong in the namespace, a line each. */
async function warnings(client: Client, namespace: string): Promise<string> {
  const { items } = await client.list(Event, { namespace, fieldSelector: 'type=Warning' });
  return items.slice(-3).map(({ involvedObject, reason, message }) => `  ${involvedObject.kind} ${involvedObject.name}: ${reason}: ${message}`).join('\n');
}

/** The node port of the demo's Service, else its cluster address. */
async function addressOf(client: Client, objects: readonly Manifest[]): Promise<string | undefined> {
  const declared = objects.filter(({ kind }) => kind === 'Service');
  const services = await Promise.all(declared.map(({ metadata: { name, namespace = 'default' } }) => client.get(Service, { name, namespace })));
  for (const { spec } of services) {
    const nodePort = spec.ports?.find((port) => (port.nodePort ?? 0) !== 0)?.nodePort;
    if (nodePort !== undefined) return `http://${nodeAddress()}:${nodePort}/`;
  }
  const [first] = services;
  return first === undefined ? undefined : `http://${first.spec.clusterIP}:${first.spec.ports?.[0]?.port}/`;
}

/** Rules may be a moment behind the pods. */
async function firstLineOf(address: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(5000) });
      return ((await answer.text()).trim().split('\n')[0] ?? '').slice(0, 100);
    } catch (error) {
      if (attempt === 20) throw new Error(`${address} does not answer`, { cause: error });
      await systemClock.sleep(100);
    }
  }
}

function sayWhatToDoNext(layout: ClusterLayout, address: string | undefined, isReal: boolean): void {
  process.stdout.write([
    '',
    address === undefined ? 'The demo runs.' : isReal ? `The demo answers on ${address}` : `The demo's address is ${address} (simulated pods do not answer)`,
    `Kubeconfig: ${layout.adminKubeconfig}`,
    `Next:  export KUBECONFIG=${layout.adminKubeconfig}`,
    '       kubectl get pods,services -o wide',
    '',
  ].join('\n'));
}
