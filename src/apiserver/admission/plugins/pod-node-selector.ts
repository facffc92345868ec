import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { writes } from '../admission.ts';
import { SettingsReader } from '../configuration.ts';

const annotation = 'scheduler.alpha.kubernetes.io/node-selector';
type Labels = Readonly<Record<string, string>>;

/**
 * Namespaces say on which nodes their pods run, and the settings which node selectors a namespace may use.
 * Source: Kubernetes documentation, "PodNodeSelector".
 */
export function podNodeSelector(settings: unknown): AdmissionPlugin {
  const reader = new SettingsReader('PodNodeSelector');
  const given = reader.object(reader.object(settings, '(root)')['podNodeSelectorPluginConfig'], 'podNodeSelectorPluginConfig');
  const byName = new Map(Object.entries(given).map(([name, selector]) => [name, labelsOf(reader.text(selector, `podNodeSelectorPluginConfig.${name}`))]));

  const wantedOf = (request: AdmissionRequest, { objects }: AdmissionContext): Labels => {
    const text = objects.get(Namespace, request.namespace)?.metadata.annotations?.[annotation];
    return text === undefined ? (byName.get('clusterDefaultNodeSelector') ?? {}) : labelsOf(text);
  };
  const check = (request: AdmissionRequest, context: AdmissionContext): Labels | undefined => {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return undefined;
    const { spec, metadata } = request.object;
    const own = spec.nodeSelector ?? {};
    const wanted = wantedOf(request, context);
    if (Object.entries(wanted).some(([key, value]) => own[key] !== undefined && own[key] !== value)) throw forbidden(Pod, metadata.name ?? '', 'pod node label selector conflicts with its namespace node label selector');
    const merged = { ...wanted, ...own };
    const allowed = byName.get(request.namespace) ?? {};
    if (Object.keys(allowed).length > 0 && Object.entries(merged).some(([key, value]) => allowed[key] !== value)) throw forbidden(Pod, metadata.name ?? '', 'pod node label selector labels conflict with its namespace whitelist');
    return merged;
  };
  return {
    name: 'PodNodeSelector',
    mutate(request, context) {
      const merged = check(request, context);
      if (merged !== undefined && Object.keys(merged).length > 0 && writes(request, Pod)) request.object.spec.nodeSelector = { ...merged };
    },
    validate: (request, context) => void check(request, context),
  };
}

/** `a=b,c=d`. */
function labelsOf(text: string): Labels {
  return Object.fromEntries(text.split(',').map((each) => each.trim()).filter((each) => each !== '').map((each) => {
    const [key = '', value = ''] = each.split('=').map((part) => part.trim());
    return [key, value];
  }));
}
