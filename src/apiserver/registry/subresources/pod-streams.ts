/**
 * log, exec, attach and portforward of pods: the kubelet of the pod's node carries them out.
 * Source: API reference, Pod "read log", "connect exec"; the kubelet's paths as the API server has always called them.
 */
import { Pod } from '#api/core/pod.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { badRequest, invalid, methodNotSupported, notFound } from '#apimachinery/status-error.ts';
import { admitConnect } from '../../admission/admit-connect.ts';
import type { ApiCall, ApiResult, Query } from '../../request/api-call.ts';
import { isTrue } from '../../request/api-call.ts';
import type { NodeGateway } from '../../request/node-gateway.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

/** The four subresources. */
export function podStreams(registry: RegistryContext, nodes: NodeGateway): readonly SubresourceHandler[] {
  return [
    {
      group: '', resource: 'pods', subresource: 'log',
      async handle(call, kind): Promise<ApiResult> {
        if (call.info.verb !== 'get') throw methodNotSupported(kind, call.info.verb);
        checkLogOptions(call.query, call.info.name);
        const pod = await podOf(registry, call);
        const container = containerFor(pod, call.query['container'], 'log');
        const node = nodeOf(pod);
        if (node === undefined) return { is: 'raw', code: 200, contentType: 'text/plain', body: '' };
        const target = kubeletTarget('containerLogs', pod, container, call.query, ['container']);
        const answer = await nodes.get(node, target, call.signal);
        return { is: 'raw', code: 200, contentType: answer.contentType, body: answer.body };
      },
    },
    stream(registry, nodes, 'exec', (pod, call) => {
      if ((call.query['command'] ?? '') === '') throw badRequest('you must specify at least 1 command for the container');
      return containerFor(pod, call.query['container'], 'exec in');
    }),
    stream(registry, nodes, 'attach', (pod, call) => containerFor(pod, call.query['container'], 'attach to')),
    stream(registry, nodes, 'portforward', () => undefined),
  ];
}

function stream(
  registry: RegistryContext, nodes: NodeGateway, name: 'exec' | 'attach' | 'portforward', containerOf: (pod: Pod, call: ApiCall) => string | undefined,
): SubresourceHandler {
  return {
    group: '', resource: 'pods', subresource: name,
    async handle(call, kind): Promise<ApiResult> {
      const pod = await podOf(registry, call);
      const container = containerOf(pod, call);
      const node = nodeOf(pod);
      if (node === undefined) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
      return {
        is: 'upgrade',
        take: async (request, response) => {
          await admitConnect(registry, call, kind, request.query);
          // Repeated parameters (`command`) are only in the text of the query.
          const query = new URLSearchParams(request.query);
          query.delete('container');
          const path = `/${name === 'portforward' ? 'portForward' : name}/${pod.metadata.namespace}/${pod.metadata.name}${container === undefined ? '' : `/${container}`}`;
          await nodes.upgrade(node, `${path}?${kubeletStreamQuery(query)}`, request, response);
        },
      };
    },
  };
}

/** The kubelet's names of the stream switches. */
function kubeletStreamQuery(query: URLSearchParams): string {
  const names: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error' };
  const output = new URLSearchParams();
  for (const [key, value] of query) {
    const renamed = names[key];
    if (renamed !== undefined) output.append(renamed, isTrue(value) ? '1' : '0');
    else if (key === 'tty') output.append('tty', isTrue(value) ? '1' : '0');
    else output.append(key, value);
  }
  return output.toString();
}

/** What a log is asked with that is or is not: kubelets get it in one form. */
const switches: ReadonlySet<string> = new Set(['follow', 'previous', 'timestamps', 'insecureSkipTLSVerifyBackend']);

function kubeletTarget(what: string, pod: Pod, container: string, query: Query, without: readonly string[]): string {
  const output = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && !without.includes(key)) output.append(key, switches.has(key) ? String(isTrue(value)) : value);
  const text = output.toString();
  return `/${what}/${pod.metadata.namespace}/${pod.metadata.name}/${container}${text === '' ? '' : `?${text}`}`;
}

async function podOf(registry: RegistryContext, call: ApiCall): Promise<Pod> {
  await registry.cache.catchUp();
  const pod = registry.objects.get(Pod, call.info.name, call.info.namespace);
  if (pod === undefined) throw notFound(Pod, call.info.name);
  return pod;
}

function nodeOf(pod: Pod): string | undefined {
  return (pod.spec.nodeName ?? '') === '' ? undefined : pod.spec.nodeName;
}

/** The container a request means. Throws a 400 when it does not say and there are several, or there is no such one. */
function containerFor(pod: Pod, asked: string | undefined, deed: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const { name } = pod.metadata;
  if (asked === undefined || asked === '') {
    const [only] = containers;
    if (containers.length === 1 && only !== undefined && (deed !== 'log' || initContainers.length === 0)) return only.name;
    const byAnnotation = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
    if (byAnnotation !== undefined && containers.some((each) => each.name === byAnnotation)) return byAnnotation;
    const names = containers.map((each) => each.name).join(' ');
    const inits = initContainers.length === 0 ? '' : ` or one of the init containers: [${initContainers.map((each) => each.name).join(' ')}]`;
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names}]${inits}`);
  }
  const all = [...initContainers, ...containers, ...ephemeralContainers];
  if (!all.some((each) => each.name === asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
  return asked;
}

/** What makes no sense is an invalid PodLogOptions, as upstream says it. */
function checkLogOptions(query: Query, podName: string): void {
  const faults: FieldError[] = [];
  for (const [key, least] of [['tailLines', 0], ['limitBytes', 1], ['sinceSeconds', 1]] as const) {
    const text = query[key];
    if (text === undefined) continue;
    const number = Number(text);
    if (!Number.isInteger(number)) throw badRequest(`unable to decode query parameter ${key}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    if (key === 'sinceSeconds' && query['sinceTime'] !== undefined) faults.push(forbiddenField('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    else if (number < least) faults.push(invalidValue(key, number, `must be greater than ${least === 0 ? 'or equal to 0' : '0'}`));
  }
  if (faults.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, podName, faults);
}
