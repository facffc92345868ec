import type { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';

export const approvalAnnotation = 'api-approved.kubernetes.io';

export interface Approval {
  readonly isApproved: boolean;
  readonly reason: 'MissingAnnotation' | 'InvalidAnnotation' | 'UnapprovedAnnotation' | 'ApprovedAnnotation';
  readonly message: string;
}

/** Whether a definition in one of Kubernetes' own groups may be there; undefined for all other groups. Source: KEP-2337. */
export function approvalOf({ metadata, spec }: CustomResourceDefinition): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return undefined;
  const value = metadata.annotations?.[approvalAnnotation] ?? '';
  if (value === '') return { isApproved: false, reason: 'MissingAnnotation', message: `protected groups must have approval annotation "${approvalAnnotation}", see https://github.com/kubernetes/enhancements/pull/1111` };
  if (value.startsWith('unapproved')) return { isApproved: false, reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(value)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+/i.test(value)) return { isApproved: true, reason: 'ApprovedAnnotation', message: `approved in ${value}` };
  return {
    isApproved: false, reason: 'InvalidAnnotation',
    message: `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`,
  };
}
