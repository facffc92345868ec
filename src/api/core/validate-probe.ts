/** Rules on probes and lifecycle handlers. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { httpHeaderName, portName, portNumber } from '#apimachinery/names.ts';
import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe, ProbeHandler } from './container.ts';

type Probed = Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'>;

/** All probes and handlers of one container. `graceSeconds` is the pod's. */
export function* validateProbes(container: Probed, path: string, graceSeconds: number): Iterable<FieldError> {
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

function* validateLifecycle(lifecycle: Lifecycle | undefined, path: string, graceSeconds: number): Iterable<FieldError> {
  if (lifecycle?.postStart !== undefined) yield* validateHook(lifecycle.postStart, `${path}.postStart`, graceSeconds);
  if (lifecycle?.preStop !== undefined) yield* validateHook(lifecycle.preStop, `${path}.preStop`, graceSeconds);
}

function* validateHook(handler: LifecycleHandler, path: string, graceSeconds: number): Iterable<FieldError> {
  yield* validateHandler(handler, path);
  const seconds = handler.sleep?.seconds;
  if (seconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
    yield invalidValue(`${path}.sleep.seconds`, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
  }
}

function* validateHandler(handler: ProbeHandler & Pick<LifecycleHandler, 'sleep'>, path: string): Iterable<FieldError> {
  let handlers = 0;
  for (const kind of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const) {
    if (handler[kind] === undefined) continue;
    if (++handlers > 1) yield forbiddenField(`${path}.${kind}`, 'may not specify more than 1 handler type');
  }
  if (handlers === 0) yield required(path, 'must specify a handler type');
  if (handler.exec !== undefined && (handler.exec.command ?? []).length === 0) yield required(`${path}.exec.command`);
  if (handler.httpGet !== undefined) yield* validateHttpGet(handler.httpGet, `${path}.httpGet`);
  if (handler.tcpSocket !== undefined) yield* validatePortReference(handler.tcpSocket.port, `${path}.tcpSocket.port`);
  if (handler.grpc !== undefined) yield* validatePortReference(handler.grpc.port, `${path}.grpc.port`);
}

function* validateHttpGet(action: HTTPGetAction, path: string): Iterable<FieldError> {
  if ((action.path ?? '') === '') yield required(`${path}.path`);
  yield* validatePortReference(action.port, `${path}.port`);
  for (const [index, header] of (action.httpHeaders ?? []).entries()) {
    for (const message of httpHeaderName(header.name)) yield invalidValue(`${path}.httpHeaders[${index}].name`, header.name, message);
  }
}

/** A port by number or by name. */
export function* validatePortReference(port: number | string, path: string): Iterable<FieldError> {
  for (const message of typeof port === 'number' ? portNumber(port) : portName(port)) yield invalidValue(path, port, message);
}
