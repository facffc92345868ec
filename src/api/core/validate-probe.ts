/** Rules on probes and lifecycle handlers. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { httpHeaderName, portName, portNumber } from '#apimachinery/names.ts';
import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe, ProbeHandler } from './container.ts';

type Probed = Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'>;

/** All probes and handlers of one container. `graceSeconds` is the pod's. */
export function* validateProbes(container: Probed, path: string, graceSeconds: number | undefined): Iterable<FieldError> {
  yield* validateLifecycle(container.lifecycle, `${path}.lifecycle`, graceSeconds);
  yield* validateProbe(container.livenessProbe, `${path}.livenessProbe`);
  yield* onlyOneSuccess(container.livenessProbe, `${path}.livenessProbe`);
  yield* validateProbe(container.readinessProbe, `${path}.readinessProbe`);
  if (container.readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    yield invalidValue(`${path}.readinessProbe.terminationGracePeriodSeconds`, container.readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes');
  }
  yield* validateProbe(container.startupProbe, `${path}.startupProbe`);
  yield* onlyOneSuccess(container.startupProbe, `${path}.startupProbe`);
}

function* onlyOneSuccess(probe: Probe | undefined, path: string): Iterable<FieldError> {
  if (probe !== undefined && (probe.successThreshold ?? 1) !== 1) yield invalidValue(`${path}.successThreshold`, probe.successThreshold, 'must be 1');
}

function* validateProbe(probe: Probe | undefined, path: string): Iterable<FieldError> {
  if (probe === undefined) return;
  yield* validateHandler(probe, path);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) yield invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
}

function* validateLifecycle(lifecycle: Lifecycle | undefined, path: string, graceSeconds: number | undefined): Iterable<FieldError> {
  if (lifecycle?.postStart !== undefined) yield* validateHandler(lifecycle.postStart, `${path}.postStart`, graceSeconds);
  if (lifecycle?.preStop !== undefined) yield* validateHandler(lifecycle.preStop, `${path}.preStop`, graceSeconds);
}

type Handler = ProbeHandler & Pick<LifecycleHandler, 'sleep'>;

/** Of several handlers only the first is looked at; the others may not be there. */
function* validateHandler(handler: Handler, path: string, graceSeconds?: number): Iterable<FieldError> {
  let first = true;
  for (const kind of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const) {
    if (handler[kind] === undefined) continue;
    if (first) yield* validateAction(handler, kind, `${path}.${kind}`, graceSeconds);
    else yield forbiddenField(`${path}.${kind}`, 'may not specify more than 1 handler type');
    first = false;
  }
  if (first) yield required(path, 'must specify a handler type');
}

function* validateAction({ exec, grpc, httpGet, sleep, tcpSocket }: Handler, kind: keyof Handler, path: string, graceSeconds?: number): Iterable<FieldError> {
  if (kind === 'exec' && (exec?.command ?? []).length === 0) yield required(`${path}.command`);
  if (kind === 'httpGet' && httpGet !== undefined) yield* validateHttpGet(httpGet, path);
  if (kind === 'tcpSocket' && tcpSocket !== undefined) yield* validatePortReference(tcpSocket.port, `${path}.port`);
  if (kind === 'grpc' && grpc !== undefined) yield* validatePortReference(grpc.port, `${path}.port`);
  if (kind === 'sleep' && sleep !== undefined && graceSeconds !== undefined && (sleep.seconds < 0 || sleep.seconds > graceSeconds)) {
    yield invalidValue(path, sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
  }
}

function* validateHttpGet(action: HTTPGetAction, path: string): Iterable<FieldError> {
  if ((action.path ?? '') === '') yield required(`${path}.path`);
  yield* validatePortReference(action.port, `${path}.port`);
  for (const { name } of action.httpHeaders ?? []) for (const message of httpHeaderName(name)) yield invalidValue(`${path}.httpHeaders`, name, message);
}

/** A port by number or by name. */
export function* validatePortReference(port: number | string, path: string): Iterable<FieldError> {
  for (const message of typeof port === 'number' ? portNumber(port) : portName(port)) yield invalidValue(path, port, message);
}
