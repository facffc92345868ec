import { Service } from '#api/core/service.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * Services get no external addresses beside those they have.
 * Source: Kubernetes documentation, "DenyServiceExternalIPs".
 */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  validate(request) {
    if (request.operation === 'DELETE' || !writes(request, Service)) return;
    const before = (request.old as Service | undefined)?.spec.externalIPs ?? [];
    if ((request.object.spec.externalIPs ?? []).every((address) => before.includes(address))) return;
    throw forbidden(Service, request.object.metadata.name ?? '', 'Use of external IPs is denied by admission control');
  },
};
