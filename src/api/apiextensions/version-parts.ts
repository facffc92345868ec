/**
 * What all versions of a definition have alike. The original keeps such a part once, at the top of the spec, and its errors
 * name it there: `spec.validation.openAPIV3Schema`, not `spec.versions[0].schema.openAPIV3Schema`.
 *
 * Source: behaviour of the v1.36 API server.
 */
import { sameJson } from '#apimachinery/json.ts';
import type { CustomResourceDefinitionVersion } from './custom-resource-definition.ts';

const tops = { schema: 'validation', subresources: 'subresources', additionalPrinterColumns: 'additionalPrinterColumns', selectableFields: 'selectableFields' } as const;
export type VersionPart = keyof typeof tops;

/** The path under which faults in a part of the version with this index are told. */
export type PartPaths = (index: number, part: VersionPart) => string;

export function partPaths(versions: readonly CustomResourceDefinitionVersion[]): PartPaths {
  const [first] = versions;
  const isCommon = (part: VersionPart): boolean => first?.[part] !== undefined && versions.every((version) => version === first || sameJson(version[part], first[part]));
  const common = new Map((Object.keys(tops) as VersionPart[]).map((part) => [part, isCommon(part)]));
  return (index, part) => (common.get(part) === true ? `spec.${tops[part]}` : `spec.versions[${index}].${part}`);
}

/** The versions as the original shows them in its errors: without what is kept at the top. */
export function shownVersions(versions: readonly CustomResourceDefinitionVersion[]): readonly object[] {
  return versions.map(({ name, served, storage, deprecated = false, deprecationWarning = null }) => ({
    Name: name, Served: served, Storage: storage, Deprecated: deprecated, DeprecationWarning: deprecationWarning,
    Schema: null, Subresources: null, AdditionalPrinterColumns: null, SelectableFields: null,
  }));
}
