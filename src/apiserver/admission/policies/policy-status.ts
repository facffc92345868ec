import type { ValidatingAdmissionPolicy as Policy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { RegistryContext } from '../../registry/registry-context.ts';
import type { ServedKinds } from '../../request/served-kinds.ts';

export interface PolicyStatusDependencies {
  readonly registry: RegistryContext;
  readonly kinds: ServedKinds;
  /** Writes the status. */
  readonly admin: Client;
}

/**
 * Writes into the status of policies what their expressions get wrong. In the original a controller does so; here it is
 * who knows all kinds and compiles expressions anyway.
 */
export class PolicyStatus {
  readonly #dependencies: PolicyStatusDependencies;
  /** Names; as many as there are policies at most. */
  readonly #pending = new Set<string>();
  #unsubscribe: (() => void) | undefined;
  #work: Promise<void> | undefined;

  constructor(dependencies: PolicyStatusDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    const { cache, objects } = this.#dependencies.registry;
    this.#unsubscribe = cache.of(ValidatingAdmissionPolicy).subscribe(({ type, current }) => {
      if (type !== 'DELETED') this.#note(current.object);
    });
    for (const policy of objects.list(ValidatingAdmissionPolicy)) this.#note(policy);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#pending.clear();
    await this.#work;
  }

  #note({ metadata, status }: Policy): void {
    if (status.observedGeneration === metadata.generation) return;
    this.#pending.add(metadata.name);
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  async #run(): Promise<void> {
    const { registry, kinds, admin } = this.#dependencies;
    // We are told while the change is being taken in; it is visible a moment later.
    const { typeWarnings } = await import('./type-checking.ts');
    for (const name of this.#pending) {
      this.#pending.delete(name);
      const policy = registry.objects.get(ValidatingAdmissionPolicy, name);
      if (policy === undefined || policy.status.observedGeneration === policy.metadata.generation) continue;
      const expressionWarnings = typeWarnings(policy, kinds.all());
      const status = { ...policy.status, observedGeneration: policy.metadata.generation, typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {} };
      try {
        await admin.updateStatus(ValidatingAdmissionPolicy, { ...policy, status });
      } catch (error) {
        // Whoever wrote in between has told us again.
        if (!(error instanceof StatusError)) registry.log.error({ error, policy: name }, 'the status of a policy could not be written');
      }
    }
  }
}
