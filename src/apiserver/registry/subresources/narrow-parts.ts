/**
 * Subresources through which a part of an object is read and written like the whole: the rest of what is sent is put
 * back to what it was.
 */
import { takeApproval } from '#api/certificates/approval.ts';
import type { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { validateApproval } from '#api/certificates/validate-status.ts';
import { takeEphemeralContainers, takeResources } from '#api/core/pod-strategy.ts';
import type { Pod } from '#api/core/pod.ts';
import { validateEphemeralContainers, validateResize } from '#api/core/validate-pod-parts.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { methodNotSupported } from '#apimachinery/status-error.ts';
import type { ApiResult } from '../../request/api-call.ts';
import { patchFromCall } from '../patch.ts';
import { getFromCall } from '../read.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nowText } from '../registry-context.ts';
import { replace } from '../replace.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

interface Part<T extends KubeObject> {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly narrow: (draft: Draft<T>, old: T) => void;
  readonly rules: (object: T, old: T) => Iterable<FieldError>;
}

/** pods/ephemeralcontainers, pods/resize, certificatesigningrequests/approval. */
export function narrowParts(registry: RegistryContext): readonly SubresourceHandler[] {
  return [
    part<Pod>(registry, { group: '', resource: 'pods', subresource: 'ephemeralcontainers', narrow: takeEphemeralContainers, rules: validateEphemeralContainers }),
    part<Pod>(registry, { group: '', resource: 'pods', subresource: 'resize', narrow: takeResources, rules: validateResize }),
    part<CertificateSigningRequest>(registry, {
      group: 'certificates.k8s.io', resource: 'certificatesigningrequests', subresource: 'approval',
      narrow: (draft, old) => takeApproval(draft, old, nowText(registry.clock)),
      rules: validateApproval,
    }),
  ];
}

function part<T extends KubeObject>(registry: RegistryContext, { group, resource, subresource, narrow, rules }: Part<T>): SubresourceHandler {
  const plan = {
    subresource,
    narrow: (draft: Draft<KubeObject>, old: KubeObject) => narrow(draft as unknown as Draft<T>, old as T),
    rules: (object: KubeObject, old: KubeObject) => rules(object as T, old as T),
  };
  return {
    group, resource, subresource,
    async handle(call, kind): Promise<ApiResult> {
      switch (call.info.verb) {
        case 'get':
          return getFromCall(registry, kind, call);
        case 'update':
          return replace(registry, kind, call, plan);
        case 'patch':
          return patchFromCall(registry, kind, call, plan);
        default:
          throw methodNotSupported(kind, call.info.verb);
      }
    },
  };
}
