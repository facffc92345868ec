/** What webhooks cost and refuse. Source: Kubernetes metrics reference, `apiserver_admission_webhook_*`. */
import { Distributions, Sums, labelText } from '../../metrics/series.ts';

/** Seconds; upstream's. */
const durationBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];

export class WebhookMetrics {
  readonly #durations = new Distributions('apiserver_admission_webhook_admission_duration_seconds', 'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).', durationBounds);
  readonly #requests = new Sums('apiserver_admission_webhook_request_total', 'Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation. Additional labels specify whether the request was rejected or not and an HTTP status code.');
  readonly #rejections = new Sums('apiserver_admission_webhook_rejection_count', 'Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code.');
  readonly #failOpen = new Sums('apiserver_admission_webhook_fail_open_count', 'Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).');

  called({ name, type, operation, rejected, code, seconds }: { readonly name: string; readonly type: string; readonly operation: string; readonly rejected: boolean; readonly code: number; readonly seconds: number }): void {
    this.#durations.of(labelText({ name, operation, rejected: String(rejected), type })).observe(seconds);
    this.#requests.of(labelText({ code: String(code), name, operation, rejected: String(rejected), type })).value++;
  }

  rejected({ name, type, operation, errorType, code }: { readonly name: string; readonly type: string; readonly operation: string; readonly errorType: string; readonly code: number }): void {
    this.#rejections.of(labelText({ error_type: errorType, name, operation, rejection_code: String(code), type })).value++;
  }

  failedOpen(name: string, type: string): void {
    this.#failOpen.of(labelText({ name, type })).value++;
  }

  text(): string {
    return [this.#durations, this.#requests, this.#rejections, this.#failOpen].map((each) => each.text()).join('');
  }
}
