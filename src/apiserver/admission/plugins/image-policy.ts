import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { Pod } from '#api/core/pod.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import { ReviewCache } from '../../authz/review-cache.ts';
import type { KubeconfigWebhook } from '../../webhooks/kubeconfig-webhook.ts';
import { openKubeconfigWebhook } from '../../webhooks/kubeconfig-webhook.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { SettingsReader } from '../configuration.ts';

interface Settings {
  readonly webhook: KubeconfigWebhook;
  readonly allowTtlMs: number;
  readonly denyTtlMs: number;
  /** What counts when the service does not answer. */
  readonly defaultAllow: boolean;
}

interface ReviewStatus {
  readonly allowed?: boolean;
  readonly reason?: string;
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

const timeoutMs = 30_000;
const attempts = 3;

/**
 * A service says which images may run.
 * Source: Kubernetes documentation, "ImagePolicyWebhook"; API reference, imagepolicy.k8s.io/v1alpha1 ImageReview.
 */
export function imagePolicy(given: unknown, dependencies: { readonly clock: Clock; readonly log: Logger }): AdmissionPlugin {
  const { clock, log } = dependencies;
  const settings = settingsOf(given, clock);
  const cache = new ReviewCache<ReviewStatus>(clock);

  const review = async (spec: object): Promise<ReviewStatus> => {
    const key = JSON.stringify(spec);
    const known = cache.get(key);
    if (known !== undefined) return known;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = (await settings.webhook.post({ apiVersion: 'imagepolicy.k8s.io/v1alpha1', kind: 'ImageReview', metadata: {}, spec, status: { allowed: false } }, { timeoutMs })) as { readonly status?: ReviewStatus } | undefined;
        const status = answer?.status ?? {};
        cache.set(key, status, status.allowed === true ? settings.allowTtlMs : settings.denyTtlMs);
        return status;
      } catch (error) {
        if (attempt >= attempts) throw error;
      }
    }
  };
  return {
    name: 'ImagePolicyWebhook',
    async validate(request) {
      const isWhole = request.subresource === '' || request.subresource === 'ephemeralcontainers';
      if ((request.kind as unknown) !== Pod || !isWhole || request.object === undefined || request.operation === 'DELETE') return;
      const pod = request.object as unknown as Pod;
      let status: ReviewStatus;
      try {
        status = await review(specOf(request, pod));
      } catch (error) {
        if (!settings.defaultAllow) throw forbidden(Pod, pod.metadata.name, (error as Error).message);
        log.warn({ error }, 'the image policy webhook did not answer; what it does not forbid is allowed');
        request.annotate?.('imagepolicywebhook.image-policy.k8s.io/failed-open', 'true');
        return;
      }
      for (const [key, value] of Object.entries(status.auditAnnotations ?? {})) request.annotate?.(`imagepolicywebhook.image-policy.k8s.io/${key}`, value);
      if (status.allowed === true) return;
      throw forbidden(Pod, pod.metadata.name, `image policy webhook backend denied one or more images${(status.reason ?? '') === '' ? '' : `: ${status.reason ?? ''}`}`);
    },
  };
}

/** Of an update, the containers that came with it. */
function specOf({ namespace, subresource }: AdmissionRequest, { metadata, spec }: Pod): object {
  const containers = subresource === 'ephemeralcontainers' ? (spec.ephemeralContainers ?? []) : [...(spec.initContainers ?? []), ...spec.containers];
  const annotations = Object.fromEntries(Object.entries((metadata as KubeObject['metadata']).annotations ?? {}).filter(([key]) => key.includes('.image-policy.k8s.io/')));
  return { containers: containers.map(({ image }) => ({ image })), ...(Object.keys(annotations).length > 0 && { annotations }), namespace };
}

function settingsOf(given: unknown, clock: Clock): Settings {
  const reader = new SettingsReader('ImagePolicyWebhook');
  const root = reader.object(reader.object(given, '(root)')['imagePolicy'], 'imagePolicy');
  reader.known(root, 'imagePolicy', ['kubeConfigFile', 'allowTTL', 'denyTTL', 'retryBackoff', 'defaultAllow']);
  const file = reader.text(root['kubeConfigFile'], 'imagePolicy.kubeConfigFile');
  if (file === '') reader.fail('imagePolicy.kubeConfigFile', 'Required value: the plugin needs settings, by --admission-control-config-file');
  const seconds = (name: string, initial: number): number => {
    const value = root[name] ?? initial;
    return typeof value !== 'number' ? reader.fail(`imagePolicy.${name}`, 'this is no number') : value === 0 ? initial : Math.max(0, value);
  };
  try {
    return { webhook: openKubeconfigWebhook(file, { clock }), allowTtlMs: seconds('allowTTL', 300) * 1000, denyTtlMs: seconds('denyTTL', 30) * 1000, defaultAllow: root['defaultAllow'] === true };
  } catch (error) {
    return reader.fail('imagePolicy.kubeConfigFile', (error as Error).message);
  }
}
