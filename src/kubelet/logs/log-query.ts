/** Which part of a container's log is asked for. Source: API reference, PodLogOptions. */
export interface LogQuery {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  /** Default: both. */
  readonly stream?: 'Stdout' | 'Stderr' | 'All';
}
