/** What admission costs and refuses. Source: Kubernetes metrics reference, `apiserver_admission_*`. */
import type { Distribution } from '../metrics/series.ts';
import { Distributions, labelText } from '../metrics/series.ts';

/** Seconds; upstream's. */
const pluginBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const stepBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export type AdmissionStep = 'admit' | 'validate';

export class AdmissionMetrics {
  readonly #plugins = new Distributions('apiserver_admission_controller_admission_duration_seconds', 'Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).', pluginBounds);
  readonly #steps = new Distributions('apiserver_admission_step_admission_duration_seconds', 'Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).', stepBounds);
  /** Found without making text: every write passes here many times. */
  readonly #ofPlugins = { admit: new Map<string, Map<string, Distribution>>(), validate: new Map<string, Map<string, Distribution>>() };
  readonly #ofSteps = new Map<string, Map<string, Distribution>>();

  plugin(name: string, step: AdmissionStep, operation: string, isRejected: boolean, seconds: number): void {
    if (isRejected) this.#plugins.of(labelText({ name, operation, rejected: 'true', type: step })).observe(seconds);
    else this.#agreed(this.#ofPlugins[step], name, operation, () => this.#plugins.of(labelText({ name, operation, rejected: 'false', type: step }))).observe(seconds);
  }

  step(step: AdmissionStep, operation: string, isRejected: boolean, seconds: number): void {
    if (isRejected) this.#steps.of(labelText({ operation, rejected: 'true', type: step })).observe(seconds);
    else this.#agreed(this.#ofSteps, step, operation, () => this.#steps.of(labelText({ operation, rejected: 'false', type: step }))).observe(seconds);
  }

  #agreed(known: Map<string, Map<string, Distribution>>, name: string, operation: string, make: () => Distribution): Distribution {
    let byOperation = known.get(name);
    if (byOperation === undefined) known.set(name, (byOperation = new Map()));
    let found = byOperation.get(operation);
    if (found === undefined) byOperation.set(operation, (found = make()));
    return found;
  }

  text(): string {
    return `${this.#plugins.text()}${this.#steps.text()}`;
  }
}
