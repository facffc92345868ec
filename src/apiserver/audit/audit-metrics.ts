import { Sums, labelText } from '../metrics/series.ts';
import type { AuditLevel } from './policy.ts';

/** Source: Kubernetes metrics reference, `apiserver_audit_*`. */
export class AuditMetrics {
  readonly #events = new Sums('apiserver_audit_event_total', 'Counter of audit events generated and sent to the audit backend.');
  readonly #errors = new Sums('apiserver_audit_error_total', 'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.');
  readonly #levels = new Sums('apiserver_audit_level_total', 'Counter of policy levels for audit events (1 per request).');
  readonly #rejected = new Sums('apiserver_audit_requests_rejected_total', 'Counter of apiserver requests rejected due to an error in audit logging backend.');

  event(): void {
    this.#events.of('').value++;
  }

  lost(plugin: string, count: number): void {
    this.#errors.of(labelText({ plugin })).value += count;
  }

  level(level: AuditLevel): void {
    this.#levels.of(labelText({ level })).value++;
  }

  rejected(): void {
    this.#rejected.of('').value++;
  }

  text(): string {
    return [this.#events, this.#errors, this.#levels, this.#rejected].map((each) => each.text()).join('');
  }
}
