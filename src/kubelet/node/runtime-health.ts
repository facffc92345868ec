import type { RuntimeService } from '../cri/cri.ts';
import type { RuntimeStatus } from '../cri/records.ts';

/** Whether runtime and network of the node are ready for pods, as the last look found them, in the original's words. */
export class RuntimeHealth {
  readonly #runtime: Pick<RuntimeService, 'status'>;
  #status: RuntimeStatus | undefined;
  #failure: string | undefined;
  /** Why the pod network could not be set up; undefined when it could. */
  networkFailure: string | undefined;

  #seen: string | undefined;

  constructor(runtime: Pick<RuntimeService, 'status'>) {
    this.#runtime = runtime;
    this.#seen = this.problem();
  }

  /** Looks again; answers whether what is wrong is something else than at the last look. */
  async look(): Promise<boolean> {
    const before = this.#seen;
    try {
      this.#status = await this.#runtime.status();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.#seen = this.problem();
    return this.#seen !== before;
  }

  /** What keeps the node from being ready. */
  problem(): string | undefined {
    if (this.#failure !== undefined) return `container runtime is down: ${this.#failure}`;
    const runtime = this.#status?.conditions.find(({ type }) => type === 'RuntimeReady');
    if (runtime?.status !== true) return `container runtime not ready: RuntimeReady=${String(runtime?.status)} reason:${runtime?.reason} message:${runtime?.message}`;
    const network = this.networkProblem();
    return network === undefined ? undefined : `container runtime network not ready: ${network}`;
  }

  /** What keeps pods from getting a network. */
  networkProblem(): string | undefined {
    if (this.networkFailure !== undefined) return `NetworkReady=false reason:NetworkSetUpFailed message:${this.networkFailure}`;
    const network = this.#status?.conditions.find(({ type }) => type === 'NetworkReady');
    if (network?.status === true) return undefined;
    return `NetworkReady=${String(network?.status ?? false)} reason:${network?.reason ?? ''} message:${network?.message ?? ''}`;
  }
}
