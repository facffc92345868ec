import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kubectl } from '../kubectl/kubectl.ts';
import { run } from './machine-cluster.ts';

const skiff = join(import.meta.dirname, '../../skiff');

export interface ComponentsOptions {
  /** Part of the names of tables, networks and control groups. */
  readonly name: string;
  readonly podRanges: readonly string[];
  /** Default: the API server's. */
  readonly serviceRanges?: readonly string[];
  /** `from-to`, apart from those of other clusters. */
  readonly nodePorts: string;
  /** Name servers that pods are told of. */
  readonly clusterDns?: readonly string[];
}

/** A cluster on this machine, every component in a process of its own, with certificates, roles and flags as in a cluster of the original. */
export class SeparateComponents {
  readonly directory = mkdtempSync(join(tmpdir(), 'skiff-components-'));
  readonly #options: ComponentsOptions;
  readonly #kubeletDirectory = join(this.directory, 'kubelet');
  readonly #running: ChildProcess[] = [];
  #kubectl: Kubectl | undefined;

  constructor(options: ComponentsOptions) {
    this.#options = options;
  }

  get kubectl(): Kubectl {
    if (this.#kubectl === undefined) throw new Error('the cluster is not started');
    return this.#kubectl;
  }

  /** Resolves when the node is ready and has the demo's images. */
  async start(): Promise<void> {
    const { name, podRanges, serviceRanges, nodePorts, clusterDns } = this.#options;
    const api = join(this.directory, 'api');
    const podRange = podRanges.join(',');
    const [apiPort, kubeletPort] = [await freePort(), await freePort()];
    this.run('apiserver', '--cert-dir', api, '--storage-file', join(api, 'store.db'), '--secure-port', String(apiPort), '--service-node-port-range', nodePorts,
      ...(serviceRanges === undefined ? [] : ['--service-cluster-ip-range', serviceRanges.join(',')]));
    await until('the API server has written its kubeconfigs', () => existsSync(this.kubeconfig('proxy')));
    const kubectl = new Kubectl(readFileSync(this.kubeconfig('admin'), 'utf8'));
    this.#kubectl = kubectl;
    await until('the API server is ready', async () => (await kubectl.run('get --raw /readyz')).code === 0);
    this.run('controller-manager', '--kubeconfig', this.kubeconfig('controller-manager'), '--secure-port', '0', '--allocate-node-cidrs', '--use-service-account-credentials', '--cluster-cidr', podRange, '--root-ca-file', join(api, 'pki/ca.crt'));
    this.run('scheduler', '--kubeconfig', this.kubeconfig('scheduler'), '--secure-port', '0');
    this.run('proxy', '--kubeconfig', this.kubeconfig('proxy'), '--cluster-name', name, '--cluster-cidr', podRange, '--healthz-port', '0', '--metrics-bind-address', '');
    this.run('kubelet', '--kubeconfig', this.kubeconfig('kubelet'), '--cluster-name', name, '--root-dir', this.#kubeletDirectory, '--cluster-cidr', podRange, '--port', String(kubeletPort),
      '--client-ca-file', join(api, 'pki/ca.crt'), ...(clusterDns === undefined ? [] : ['--cluster-dns', clusterDns.join(',')]));
    await until('the node is ready', async () => (await kubectl.run('wait nodes --all --for=condition=Ready --timeout=1s')).code === 0).catch((error: unknown) => {
      throw new Error(this.logs(), { cause: error });
    });
    const images = readdirSync(join(this.#kubeletDirectory, 'images')).filter((file) => file.startsWith('skiff.dev')).map((file) => join(this.#kubeletDirectory, 'images', file));
    const loaded = await run(skiff, ['image', 'load', '--name', name, '--state-dir', this.#kubeletDirectory, ...images]);
    if (loaded.code !== 0) throw new Error(loaded.stderr);
  }

  /** Starts one more component. */
  run(component: string, ...flags: readonly string[]): void {
    const log = openSync(join(this.directory, `${component}.log`), 'a');
    this.#running.push(spawn(skiff, [component, ...flags], { stdio: ['ignore', log, log] }));
  }

  kubeconfig(user: string): string {
    return join(this.directory, 'api', `${user}.kubeconfig`);
  }

  /** The last lines of every component's log. */
  logs(): string {
    return readdirSync(this.directory).filter((file) => file.endsWith('.log')).map((file) => `${file}:\n${readFileSync(join(this.directory, file), 'utf8').split('\n').slice(-5).join('\n')}`).join('\n');
  }

  /** Ends everything and removes every trace, also after a failed start. Pods must be on their way out already. */
  async remove(): Promise<void> {
    const { name } = this.#options;
    await Promise.all(this.#running.map((child) => ended(child)));
    await run(skiff, ['proxy', '--kubeconfig', this.kubeconfig('proxy'), '--cluster-name', name, '--cleanup']);
    const purged = await run(skiff, ['down', '--purge', '--name', name, '--state-dir', this.#kubeletDirectory]);
    rmSync(this.directory, { recursive: true, force: true });
    if (purged.code !== 0) throw new Error(purged.stderr);
  }
}

/** Waits for something that another process does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not after 60 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Ends a component as a service manager would. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.on('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
