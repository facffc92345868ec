/** Admission of what is no write of an object: ways out of the API server (exec, attach, portforward, proxy), and evictions, bindings, tokens. */
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { ApiCall } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import type { AdmissionRequest } from './admission.ts';
import { admitMutating, admitValidating } from './run-admission.ts';

const kinds: Readonly<Record<string, string>> = { exec: 'ExecOptions', attach: 'AttachOptions', portforward: 'PortForwardOptions', proxy: 'ProxyOptions' };
const flags = ['stdin', 'stdout', 'stderr', 'tty'];

/** Throws what admission throws. `kind` is that of the pod, service or node; `query` the text of the query. */
export async function admitConnect(registry: RegistryContext, call: ApiCall, kind: ResourceKind, query: string): Promise<void> {
  const { info } = call;
  const optionsKind = `${kind.kind}${kinds[info.subresource] ?? 'Options'}`;
  const request = {
    operation: 'CONNECT', kind, subresource: info.subresource, namespace: info.namespace, name: info.name, object: undefined, old: undefined, user: call.user, dryRun: false,
    warn: call.warn, ...(call.annotate !== undefined && { annotate: call.annotate }), sent: { group: '', version: 'v1', kind: optionsKind, object: { kind: optionsKind, apiVersion: 'v1', ...optionsOf(info.subresource, info.rest, new URLSearchParams(query)) } },
  } as const;
  await admitMutating(registry, request);
  await admitValidating(registry, request);
}

/** Admission of what is created below an object but is of another kind: evictions, bindings, tokens. */
export async function admitSubresource(
  registry: RegistryContext, call: ApiCall, kind: ResourceKind, { name, dryRun, sent }: { readonly name: string; readonly dryRun: boolean; readonly sent: { readonly kind: ResourceKind; readonly document: object } },
): Promise<void> {
  const { group, version, kind: kindName } = sent.kind;
  const request: AdmissionRequest = {
    operation: 'CREATE', kind, subresource: call.info.subresource, namespace: call.info.namespace, name, object: undefined, old: undefined, user: call.user, dryRun,
    warn: call.warn, ...(call.annotate !== undefined && { annotate: call.annotate }), sent: { group, version, kind: kindName, object: { ...sent.document, kind: kindName, apiVersion: sent.kind.apiVersion } },
  };
  await admitMutating(registry, request);
  await admitValidating(registry, request);
}

function optionsOf(subresource: string, rest: readonly string[], query: URLSearchParams): JsonObject {
  const options: Record<string, JsonValue> = {};
  switch (subresource) {
    case 'exec': case 'attach': {
      for (const flag of flags) if (isTrue(query.get(flag) ?? undefined)) options[flag] = true;
      const container = query.get('container');
      if (container !== null) options['container'] = container;
      if (subresource === 'exec') options['command'] = query.getAll('command');
      return options;
    }
    case 'portforward':
      return { ports: query.getAll('ports').flatMap((each) => each.split(',')).map(Number) };
    default:
      return { path: rest.join('/') };
  }
}
