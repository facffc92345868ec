import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import type { Toleration } from '#api/core/scheduling.ts';
import type { StatusError } from '#apimachinery/status-error.ts';
import { internalError } from '#apimachinery/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { writes } from '../admission.ts';
import { SettingsReader } from '../configuration.ts';

const defaultAnnotation = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const allowedAnnotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';

/**
 * Namespaces say which taints their pods tolerate, and which they may.
 * Source: Kubernetes documentation, "PodTolerationRestriction".
 */
export function podTolerationRestriction(settings: unknown): AdmissionPlugin {
  const reader = new SettingsReader('PodTolerationRestriction');
  const given = reader.object(settings, '(root)');
  const ofCluster = { added: reader.list(given['default'], 'default') as readonly Toleration[], allowed: reader.list(given['whitelist'], 'whitelist') as readonly Toleration[] };

  const checkAllowed = (request: AdmissionRequest, { objects }: AdmissionContext): void => {
    if (request.operation === 'DELETE' || !writes(request, Pod)) return;
    const allowed = ofNamespace(objects.get(Namespace, request.namespace), allowedAnnotation) ?? ofCluster.allowed;
    const tolerations = (request.object.spec.tolerations ?? []) as readonly Toleration[];
    if (allowed.length === 0 || tolerations.every((each) => allowed.some((wide) => covers(wide, each)))) return;
    throw plain('pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist');
  };
  return {
    name: 'PodTolerationRestriction',
    mutate(request, context) {
      if (request.operation !== 'CREATE' || !writes(request, Pod)) return checkAllowed(request, context);
      const { spec } = request.object;
      const added = ofNamespace(context.objects.get(Namespace, request.namespace), defaultAnnotation) ?? ofCluster.added;
      const own = (spec.tolerations ?? []) as readonly Toleration[];
      if (added.some((left) => own.some((right) => sameTaint(left, right) && !covers(left, right) && !covers(right, left)))) throw plain('namespace tolerations and pod tolerations conflict');
      const kept = added.filter((each) => !own.some((wide) => covers(wide, each)));
      const merged = [...kept, ...own.filter((each) => !kept.some((wide) => covers(wide, each)))];
      if (merged.length > 0) spec.tolerations = merged.map((each) => ({ ...each }));
      return checkAllowed(request, context);
    },
    validate: checkAllowed,
  };
}

function ofNamespace(namespace: Namespace | undefined, annotation: string): readonly Toleration[] | undefined {
  const text = namespace?.metadata.annotations?.[annotation] ?? '';
  if (text === '') return undefined;
  try {
    const parsed = JSON.parse(text) as readonly Toleration[];
    return parsed.length === 0 ? undefined : parsed;
  } catch (error) {
    throw plain((error as Error).message);
  }
}

function sameTaint(left: Toleration, right: Toleration): boolean {
  return (left.key ?? '') === (right.key ?? '') && (left.effect ?? '') === (right.effect ?? '');
}

/** Whether everything that `narrow` tolerates is tolerated by `wide`, at least as long. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  const isOfAnyKey = (wide.key ?? '') === '' && wide.operator === 'Exists';
  if (!isOfAnyKey && (wide.key ?? '') !== (narrow.key ?? '')) return false;
  if ((wide.effect ?? '') !== '' && wide.effect !== narrow.effect) return false;
  if (wide.operator !== 'Exists' && (narrow.operator === 'Exists' || (wide.value ?? '') !== (narrow.value ?? ''))) return false;
  if (wide.tolerationSeconds === undefined) return true;
  return narrow.tolerationSeconds !== undefined && narrow.tolerationSeconds <= wide.tolerationSeconds;
}

/** Upstream answers these as plain errors. */
function plain(message: string): StatusError {
  return internalError(new Error(message));
}
