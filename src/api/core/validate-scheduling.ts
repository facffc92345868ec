/** Rules on where a pod may run. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '#apimachinery/names.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm, Toleration, TopologySpreadConstraint } from './scheduling.ts';

export function* validateTolerations(tolerations: readonly Toleration[], path: string): Iterable<FieldError> {
  for (const [index, toleration] of tolerations.entries()) {
    const at = `${path}[${index}]`;
    const { key = '', operator = '', value = '', effect, tolerationSeconds } = toleration;
    if (key !== '') for (const message of qualifiedName(key)) yield invalidValue(`${at}.key`, key, message);
    if (key === '' && operator !== 'Exists') {
      yield invalidValue(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"');
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      yield invalidValue(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operator === 'Exists') {
      if (value !== '') yield invalidValue(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'");
    } else {
      const wrong = labelValue(value);
      if (wrong.length > 0) yield invalidValue(`${at}.operator`, value, wrong.join(';'));
    }
  }
}

export function* validateAffinity(affinity: Affinity | undefined, path: string): Iterable<FieldError> {
  const node = affinity?.nodeAffinity;
  if (node?.requiredDuringSchedulingIgnoredDuringExecution !== undefined) {
    yield* validateNodeSelector(node.requiredDuringSchedulingIgnoredDuringExecution, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`);
  }
  for (const [index, term] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    yield* validateWeight(term.weight, `${at}.weight`);
    yield* validateTerm(term.preference, `${at}.preference`);
  }
  if (affinity?.podAffinity !== undefined) yield* validatePodAffinity(affinity.podAffinity, `${path}.podAffinity`);
  if (affinity?.podAntiAffinity !== undefined) yield* validatePodAffinity(affinity.podAntiAffinity, `${path}.podAntiAffinity`);
}

function* validateWeight(weight: number, path: string): Iterable<FieldError> {
  if (weight < 1 || weight > 100) yield invalidValue(path, weight, 'must be in the range 1-100');
}

export function* validateNodeSelector(selector: NodeSelector, path: string): Iterable<FieldError> {
  for (const [index, term] of selector.nodeSelectorTerms.entries()) yield* validateTerm(term, `${path}.nodeSelectorTerms[${index}]`);
}

function* validateTerm(term: NodeSelectorTerm, path: string): Iterable<FieldError> {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    yield* validateOperands(requirement, at);
    for (const message of qualifiedName(requirement.key)) yield invalidValue(`${at}.key`, requirement.key, message);
  }
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${index}]`;
    if (requirement.operator !== 'In' && requirement.operator !== 'NotIn') yield invalidValue(`${at}.operator`, requirement.operator, 'not a valid selector operator');
    else if (requirement.values?.length !== 1) yield required(`${at}.values`, 'must be only one value when `operator` is \'In\' or \'NotIn\' for node field selector');
    if (requirement.key !== 'metadata.name') yield invalidValue(`${at}.key`, requirement.key, 'not a valid field selector key');
  }
}

function* validateOperands({ operator, values = [] }: NodeSelectorRequirement, path: string): Iterable<FieldError> {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) yield required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) yield forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      return;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) yield required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
  }
}

function* validatePodAffinity(affinity: PodAffinity, path: string): Iterable<FieldError> {
  for (const [index, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    yield* validatePodTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`);
  }
  for (const [index, { weight, podAffinityTerm }] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    yield* validateWeight(weight, `${at}.weight`);
    yield* validatePodTerm(podAffinityTerm, `${at}.podAffinityTerm`);
  }
}

function* validatePodTerm(term: PodAffinityTerm, path: string): Iterable<FieldError> {
  yield* validateLabelSelector(`${path}.labelSelector`, term.labelSelector);
  yield* validateLabelSelector(`${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) for (const message of dns1123Label(name)) yield invalidValue(`${path}.namespace`, name, message);
  if (term.topologyKey !== '') for (const message of qualifiedName(term.topologyKey)) yield invalidValue(`${path}.topologyKey`, term.topologyKey, message);
}

export function* validateSpread(constraints: readonly TopologySpreadConstraint[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, minDomains, topologyKey, whenUnsatisfiable } = constraint;
    if (maxSkew <= 0) yield invalidValue(`${at}.maxSkew`, maxSkew, 'must be greater than zero');
    if (topologyKey !== '') for (const message of qualifiedName(topologyKey)) yield invalidValue(`${at}.topologyKey`, topologyKey, message);
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) yield duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair);
    seen.add(pair);
    if (minDomains !== undefined) {
      if (minDomains <= 0) yield invalidValue(`${at}.minDomains`, minDomains, 'must be greater than zero');
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        yield invalidValue(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`);
      }
    }
    yield* validateLabelSelector(`${at}.labelSelector`, constraint.labelSelector);
    for (const [position, key] of (constraint.matchLabelKeys ?? []).entries()) {
      for (const message of qualifiedName(key)) yield invalidValue(`${at}.matchLabelKeys[${position}]`, key, message);
    }
  }
}

/** Name of a runtime class, priority class, service account, node: a subdomain, or nothing. */
export function* validateReference(name: string | undefined, path: string): Iterable<FieldError> {
  if (name !== undefined && name !== '') for (const message of dns1123Subdomain(name)) yield invalidValue(path, name, message);
}

export function* oneOfValues(value: string, supported: readonly string[], path: string): Iterable<FieldError> {
  if (!supported.includes(value)) yield notSupported(path, value, supported.toSorted());
}
