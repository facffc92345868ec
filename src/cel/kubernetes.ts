/** Everything that expressions in Kubernetes can call. */
import type { Overload } from './functions.ts';
import { FunctionTable } from './functions.ts';
import type { NamedFormats } from './library/format.ts';
import { formatLibrary } from './library/format.ts';
import { listLibrary } from './library/lists.ts';
import { networkLibrary } from './library/network.ts';
import type { Quantities } from './library/quantity.ts';
import { quantityLibrary } from './library/quantity.ts';
import { semverLibrary } from './library/semver.ts';
import { standardLibrary } from './library/standard.ts';
import { stringLibrary } from './library/strings.ts';

export interface KubernetesLibraries<Q> {
  readonly quantities: Quantities<Q>;
  readonly formats: NamedFormats;
  /** Functions of one place only (the authorizer of admission policies). */
  readonly more?: readonly Overload[];
}

export function kubernetesFunctions<Q>({ quantities, formats, more = [] }: KubernetesLibraries<Q>): FunctionTable {
  return new FunctionTable([standardLibrary, stringLibrary, listLibrary, networkLibrary, quantityLibrary(quantities), semverLibrary, formatLibrary(formats), more]);
}

/** What one rule may cost when it runs. Source: k8s.io/apiserver celconfig. */
export const perCallLimit = 1_000_000;
/** What all rules for one object may cost together. */
export const perObjectBudget = 10_000_000;
/** What one rule may cost at most, by estimate. */
export const perRuleEstimateLimit = 10_000_000;
/** The same for all rules of a schema. */
export const perSchemaEstimateLimit = 100_000_000;
/** The largest request; bounds what sizes can be where a schema does not. */
export const maxRequestBytes = 3 * 1024 * 1024;
