/** Rules on where a pod may run. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { decimalInteger, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '#apimachinery/names.ts';
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
    yield* validateTolerated(operator, value, at);
  }
}

function* validateTolerated(operator: string, value: string, at: string): Iterable<FieldError> {
  switch (operator) {
    case '':
    case 'Equal': {
      const wrong = labelValue(value);
      if (wrong.length > 0) yield invalidValue(`${at}.operator`, value, wrong.join(';'));
      return;
    }
    case 'Exists':
      if (value !== '') yield invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
      return;
    case 'Lt':
    case 'Gt':
      for (const message of decimalInteger(value)) yield invalidValue(`${at}.value`, value, message);
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
    yield* validateTerm(term.preference, `${at}.preference`, false);
  }
  if (affinity?.podAffinity !== undefined) yield* validatePodAffinity(affinity.podAffinity, `${path}.podAffinity`);
  if (affinity?.podAntiAffinity !== undefined) yield* validatePodAffinity(affinity.podAntiAffinity, `${path}.podAntiAffinity`);
}

function* validateWeight(weight: number, path: string): Iterable<FieldError> {
  if (weight < 1 || weight > 100) yield invalidValue(path, weight, 'must be in the range 1-100');
}

export function* validateNodeSelector(selector: NodeSelector, path: string): Iterable<FieldError> {
  if (selector.nodeSelectorTerms.length === 0) yield required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  for (const [index, term] of selector.nodeSelectorTerms.entries()) yield* validateTerm(term, `${path}.nodeSelectorTerms[${index}]`, true);
}

/** `must` is whether nodes have to match: a mere wish may name a value that no label can have. */
function* validateTerm(term: NodeSelectorTerm, path: string, must: boolean): Iterable<FieldError> {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    yield* validateOperands(requirement, at);
    for (const message of qualifiedName(requirement.key)) yield invalidValue(`${at}.key`, requirement.key, message);
    if (must) yield* validateValues(requirement.values ?? [], labelValue, `${at}.values`);
  }
  for (const [index, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${index}]`;
    if (operator !== 'In' && operator !== 'NotIn') yield invalidValue(`${at}.operator`, operator, 'not a valid selector operator');
    else if (values.length !== 1) yield required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    if (key === 'metadata.name') yield* validateValues(values, dns1123Subdomain, `${at}.values`);
    else yield invalidValue(`${at}.key`, key, 'not a valid field selector key');
  }
}

function* validateValues(values: readonly string[], check: (value: string) => readonly string[], path: string): Iterable<FieldError> {
  for (const [index, value] of values.entries()) for (const message of check(value)) yield invalidValue(`${path}[${index}]`, value, message);
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
      return;
    default:
      yield invalidValue(`${path}.operator`, operator, 'not a valid selector operator');
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
  yield* validateLabelKeys(term, path);
  if (term.topologyKey === '') yield required(`${path}.topologyKey`, 'can not be empty');
  for (const message of qualifiedName(term.topologyKey)) yield invalidValue(`${path}.topologyKey`, term.topologyKey, message);
}

/** Keys whose values the server takes from the pod's own labels: it has put them into the selector by now. */
function* validateLabelKeys({ labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: PodAffinityTerm, path: string): Iterable<FieldError> {
  for (const [field, keys] of Object.entries({ matchLabelKeys, mismatchLabelKeys })) {
    if (keys.length === 0) continue;
    if (labelSelector === undefined) yield forbiddenField(`${path}.${field}`, 'must not be specified when labelSelector is not set');
    else yield* validateValues(keys, qualifiedName, `${path}.${field}`);
  }
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    // Once is by the server's own hand.
    if (index >= 0 && selected.has(key)) yield invalidValue(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector');
    selected.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) yield invalidValue(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys');
  }
}

const unsatisfiableActions = ['DoNotSchedule', 'ScheduleAnyway'];

export function* validateSpread(constraints: readonly TopologySpreadConstraint[], path: string): Iterable<FieldError> {
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, minDomains, topologyKey, whenUnsatisfiable } = constraint;
    if (maxSkew <= 0) yield invalidValue(`${at}.maxSkew`, maxSkew, 'must be greater than zero');
    if (topologyKey === '') yield required(`${at}.topologyKey`, 'can not be empty');
    if (!unsatisfiableActions.includes(whenUnsatisfiable)) yield notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, unsatisfiableActions);
    const repeats = constraints.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (repeats) yield duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    if (minDomains !== undefined) {
      if (minDomains <= 0) yield invalidValue(`${at}.minDomains`, minDomains, 'must be greater than zero');
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        yield invalidValue(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`);
      }
    }
    yield* validateSpreadKeys(constraint, `${at}.matchLabelKeys`);
    yield* validateLabelSelector(`${at}.labelSelector`, constraint.labelSelector);
  }
}

function* validateSpreadKeys({ labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint, path: string): Iterable<FieldError> {
  if (matchLabelKeys.length === 0) return;
  if (labelSelector === undefined) yield forbiddenField(path, 'must not be specified when labelSelector is not set');
  // The server merges the keys into the selector, once for each: only a second mention is the writer's.
  const mentions = [...Object.keys(labelSelector?.matchLabels ?? {}), ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key)];
  for (const [index, key] of matchLabelKeys.entries()) {
    for (const message of qualifiedName(key)) yield invalidValue(`${path}[${index}]`, key, message);
    if (mentions.filter((mention) => mention === key).length > 1) yield invalidValue(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector');
  }
}

/** Name of a runtime class, priority class, service account, node: a subdomain, or nothing. */
export function* validateReference(name: string | undefined, path: string): Iterable<FieldError> {
  if (name !== undefined && name !== '') for (const message of dns1123Subdomain(name)) yield invalidValue(path, name, message);
}
