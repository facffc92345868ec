/** Labels of nodes that others have replaced. Source: Kubernetes documentation "Well-Known Labels, Annotations and Taints". */
import { labelValue } from '#apimachinery/names.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { NodeSelector, NodeSelectorTerm } from './scheduling.ts';

const replaced: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What is said of a label as a key of the map at `path`. */
export function* warnOfNodeLabels(labels: Readonly<Record<string, string>> | undefined, pathOf: (label: string) => string): Iterable<string> {
  for (const label of Object.keys(labels ?? {})) if (replaced[label] !== undefined) yield `${pathOf(label)}: ${replaced[label]}`;
}

/** What is said of a label as a value at `path`. */
export function* warnOfNodeLabel(label: string, path: string): Iterable<string> {
  if (replaced[label] !== undefined) yield `${path}: ${label} is ${replaced[label]}`;
}

export function* warnOfSelector(selector: NodeSelector | undefined, path: string): Iterable<string> {
  for (const [index, term] of (selector?.nodeSelectorTerms ?? []).entries()) yield* warnOfTerm(term, `${path}.nodeSelectorTerms[${index}]`, false);
}

/** A mere wish may name values that no label can have; that is worth a word. */
export function* warnOfTerm(term: NodeSelectorTerm, path: string, isWish: boolean): Iterable<string> {
  for (const [index, { key, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    yield* warnOfNodeLabel(key, `${at}.key`);
    if (!isWish) continue;
    for (const [position, value] of values.entries()) for (const message of labelValue(value)) yield `${at}.values[${position}]: ${value} is invalid, ${message}`;
  }
}

export function* warnOfLabelSelector(selector: LabelSelector | undefined, path: string): Iterable<string> {
  for (const [index, { key }] of (selector?.matchExpressions ?? []).entries()) yield* warnOfNodeLabel(key, `${path}.matchExpressions[${index}].key`);
  yield* warnOfNodeLabels(selector?.matchLabels, (label) => `${path}.matchLabels.${label}`);
}
