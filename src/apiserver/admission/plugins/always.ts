import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';

/** Agrees to everything. Source: Kubernetes documentation, "AlwaysAdmit" (deprecated). */
export const alwaysAdmit: AdmissionPlugin = { name: 'AlwaysAdmit' };

function refuse({ kind, name, object }: AdmissionRequest): never {
  throw forbidden(kind, name === '' ? (object?.metadata.name ?? '') : name, 'admission control is denying all modifications');
}

/** Refuses everything. Source: Kubernetes documentation, "AlwaysDeny" (deprecated). */
export const alwaysDeny: AdmissionPlugin = { name: 'AlwaysDeny', mutate: refuse, validate: refuse };
