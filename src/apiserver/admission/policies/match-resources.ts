import type { MatchResources } from '#api/admissionregistration/matching.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Equivalents } from '../matching/rule-match.ts';
import { matchedKind, matchesSelectors } from '../matching/rule-match.ts';

/** The version of the kind in which a policy, or one of its bindings, means the request; undefined: it does not. Pure. */
export function matchedBy(criteria: MatchResources | undefined, request: AdmissionRequest, equivalents: Equivalents, namespaceLabels: () => Readonly<Record<string, string>> | undefined): ResourceKind | undefined {
  const served = request.served ?? request.kind;
  if (criteria === undefined) return served;
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = criteria;
  if (!matchesSelectors(criteria, request, namespaceLabels)) return undefined;
  if (excludeResourceRules.length > 0 && matchedKind(request, excludeResourceRules, matchPolicy, equivalents) !== undefined) return undefined;
  return resourceRules.length === 0 ? served : matchedKind(request, resourceRules, matchPolicy, equivalents);
}
