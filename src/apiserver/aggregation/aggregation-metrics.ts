/** What is counted of APIServices. Names and help as kube-aggregator's. */
import type { Labels } from '../metrics/series.ts';
import { Sums, gaugeText, labelText } from '../metrics/series.ts';

export class AggregationMetrics {
  readonly #falls = new Sums('aggregator_unavailable_apiservice_total', 'Counter of APIServices which are marked as unavailable broken down by APIService name and reason.');

  /** One that was available is so no longer. */
  becameUnavailable(name: string, reason: string): void {
    this.#falls.of(labelText({ name, reason: reason === '' ? 'UnknownReason' : reason })).value++;
  }

  /** `services`: every APIService with what its condition says now. */
  text(services: Iterable<readonly [name: string, isAvailable: boolean]>): string {
    const gauges = [...services].map(([name, isAvailable]): readonly [Labels, number] => [{ name }, isAvailable ? 0 : 1]);
    return `${gaugeText('aggregator_unavailable_apiservice', 'Gauge of APIServices which are marked as unavailable broken down by APIService name.', gauges)}${this.#falls.text()}`;
  }
}
