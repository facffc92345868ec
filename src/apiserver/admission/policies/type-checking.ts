/**
 * What expressions of a policy get wrong about the kinds it is for. Pure.
 * Source: Kubernetes documentation, "Validating Admission Policy: type checking".
 */
import type { ExpressionWarning } from '#api/admissionregistration/matching.ts';
import type { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { typeOf } from './declared-types.ts';
import { ExpressionSet } from './expressions.ts';

/** Beyond these, policies are not checked: they are written for anything. */
const maxKinds = 10;

export function typeWarnings({ spec }: Pick<ValidatingAdmissionPolicy, 'spec'>, kinds: readonly ResourceKind[]): readonly ExpressionWarning[] {
  const checked = kindsOf(spec.matchConstraints?.resourceRules ?? [], kinds);
  const found = new Map<string, string[]>();
  const usual = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined });
  for (const kind of checked) {
    const set = new ExpressionSet({ variables: spec.variables, hasParams: spec.paramKind !== undefined, objectType: typeOf(kind) });
    const check = (fieldRef: string, expression: string): void => {
      const made = set.make(expression);
      // What is wrong in any case is not about the kind.
      if (!('error' in made) || 'error' in usual.make(expression)) return;
      const text = `${kind.apiVersion}, Kind=${kind.kind}: ${made.error.replace(/^compilation failed: /, '')}\n`;
      found.set(fieldRef, [...(found.get(fieldRef) ?? []), text]);
    };
    for (const [index, { expression, messageExpression = '' }] of (spec.validations ?? []).entries()) {
      check(`spec.validations[${index}].expression`, expression);
      if (messageExpression !== '') check(`spec.validations[${index}].messageExpression`, messageExpression);
    }
    for (const [index, { expression }] of (spec.matchConditions ?? []).entries()) check(`spec.matchConditions[${index}].expression`, expression);
  }
  return [...found].map(([fieldRef, warnings]) => ({ fieldRef, warning: warnings.join('\n') }));
}

type Rules = NonNullable<NonNullable<ValidatingAdmissionPolicy['spec']['matchConstraints']>['resourceRules']>;

/** Those that rules name outright. */
function kindsOf(rules: Rules, kinds: readonly ResourceKind[]): readonly ResourceKind[] {
  const isNamed = (kind: ResourceKind): boolean => rules.some(({ apiGroups = [], apiVersions = [], resources = [] }) => {
    const all = [...apiGroups, ...apiVersions, ...resources];
    return !all.some((each) => each.includes('*')) && apiGroups.includes(kind.group) && apiVersions.includes(kind.version) && resources.includes(kind.plural);
  });
  return kinds.filter(isNamed).slice(0, maxKinds);
}
