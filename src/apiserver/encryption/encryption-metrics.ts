import { Sums, labelText } from '../metrics/series.ts';

/** Source: Kubernetes metrics reference, `apiserver_storage_transformation_*`, `apiserver_encryption_config_controller_*`. */
export class EncryptionMetrics {
  readonly #operations = new Sums('apiserver_storage_transformation_operations_total', 'Total number of transformations. Successful transformation will have a status \'OK\' and a varied status string when the transformation fails. The status, resource, and transformation_type fields may be used for alerting purposes. For encryption_type, use transformer_prefix.');
  readonly #reloads = new Sums('apiserver_encryption_config_controller_automatic_reloads_total', 'Total number of reload successes and failures of encryption configuration split by apiserver identity.');

  transformed(type: 'from_storage' | 'to_storage', prefix: string, status: 'OK' | 'Unknown'): void {
    this.#operations.of(labelText({ status, transformation_type: type, transformer_prefix: prefix })).value++;
  }

  reloaded(isGood: boolean): void {
    this.#reloads.of(labelText({ status: isGood ? 'success' : 'failure' })).value++;
  }

  text(): string {
    return `${this.#operations.text()}${this.#reloads.text()}`;
  }
}
