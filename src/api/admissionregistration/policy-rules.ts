/** What admission policies and their bindings share. Source: behaviour of the v1.36 API server. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1035Label, dns1123Subdomain, pathSegment } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from './matching.ts';
import { validateMatchConditions, validateNamedRule } from './validate-rule.ts';

export const paramKindColumn: Column<SpecPart<{ readonly paramKind?: ParamKind | undefined }>> = column('ParamKind', ({ spec: { paramKind } }) =>
  paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`);

interface BindingSpec {
  readonly policyName?: string | undefined;
  readonly paramRef?: ParamRef | undefined;
  readonly matchResources?: MatchResources | undefined;
}
type Binding = SpecPart<BindingSpec>;

export const bindingColumns = [
  nameColumn,
  column<Binding>('PolicyName', ({ spec }) => spec.policyName ?? ''),
  column<Binding>('ParamRef', ({ spec }) => showReference(spec.paramRef)),
  ageColumn,
];

function showReference(reference: ParamRef | undefined): string {
  if (reference === undefined) return '<unset>';
  const { name, namespace } = reference;
  if (name === undefined) return namespace === undefined ? '*' : `${namespace}/*`;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

interface PolicySpec {
  readonly paramKind?: ParamKind | undefined;
  readonly matchConstraints?: MatchResources | undefined;
  readonly matchConditions?: readonly MatchCondition[] | undefined;
  readonly variables?: readonly Variable[] | undefined;
}

/** What all policies have. What expressions say is for the server to check, which can compile them. */
export function* validatePolicySpec({ paramKind, matchConstraints, matchConditions, variables = [] }: PolicySpec): Iterable<FieldError> {
  if (paramKind !== undefined) yield* validateParamKind(paramKind, 'spec.paramKind');
  if (matchConstraints === undefined) yield required('spec.matchConstraints');
  else {
    yield* validateMatching(matchConstraints, 'spec.matchConstraints');
    if ((matchConstraints.resourceRules ?? []).length === 0) yield required('spec.matchConstraints.resourceRules');
  }
  yield* validateMatchConditions(matchConditions, 'spec.matchConditions');
  for (const [index, variable] of variables.entries()) yield* validateVariable(variable, `spec.variables[${index}]`);
}

function* validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: string): Iterable<FieldError> {
  if (apiVersion === '') yield required(`${path}.apiVersion`);
  else yield* validateApiVersion(apiVersion, `${path}.apiVersion`);
  if (kind === '') return yield required(`${path}.kind`);
  const faults = dns1035Label(kind.toLowerCase());
  if (faults.length > 0) yield invalidValue(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${faults.join(',')}`);
}

function* validateApiVersion(text: string, path: string): Iterable<FieldError> {
  const parts = text.split('/');
  if (parts.length > 2) return yield invalidValue(path, text, `unexpected GroupVersion string: ${text}`);
  const [group = '', version = ''] = parts.length === 1 ? ['', text] : parts;
  const ofGroup = group === '' ? [] : dns1123Subdomain(group);
  if (ofGroup.length > 0) yield invalidValue(path, group, ofGroup.join(','));
  if (version === '') return yield invalidValue(path, text, 'version must be specified');
  const ofVersion = dns1035Label(version);
  if (ofVersion.length > 0) yield invalidValue(path, version, ofVersion.join(','));
}

function* validateMatching({ namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] }: MatchResources, path: string): Iterable<FieldError> {
  yield* validateLabelSelector(`${path}.namespaceSelector`, namespaceSelector);
  yield* validateLabelSelector(`${path}.objectSelector`, objectSelector);
  for (const [index, rule] of resourceRules.entries()) yield* validateNamedRule(rule, `${path}.resourceRules[${index}]`);
  for (const [index, rule] of excludeResourceRules.entries()) yield* validateNamedRule(rule, `${path}.excludeResourceRules[${index}]`);
}

const mutable = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

/** What is deleted cannot be changed. */
export function* validateMutableOperations(matching: MatchResources | undefined, path: string): Iterable<FieldError> {
  for (const { operations = [] } of matching?.resourceRules ?? []) {
    for (const operation of operations) if (!mutable.includes(operation)) yield notSupported(`${path}.resourceRules.operations`, operation, mutable);
  }
}

/** Words of the expression language. */
const reserved = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);

function* validateVariable({ name, expression }: Variable, path: string): Iterable<FieldError> {
  if (name.trim() === '') yield required(`${path}.name`, 'name is not specified');
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) yield invalidValue(`${path}.name`, name, 'name is not a valid CEL identifier');
  if (expression.trim() === '') yield required(`${path}.expression`, 'expression is not specified');
}

/** What both kinds of bindings have. */
export function* validateBindingSpec({ policyName = '', paramRef, matchResources }: BindingSpec): Iterable<FieldError> {
  if (policyName === '') yield required('spec.policyName');
  else for (const message of dns1123Subdomain(policyName)) yield invalidValue('spec.policyName', policyName, message);
  if (paramRef !== undefined) yield* validateParamRef(paramRef, 'spec.paramRef');
  if (matchResources !== undefined) yield* validateMatching(matchResources, 'spec.matchResources');
}

function* validateParamRef({ name = '', selector, parameterNotFoundAction = '' }: ParamRef, path: string): Iterable<FieldError> {
  if (name !== '') for (const message of pathSegment(name)) yield invalidValue(`${path}.name`, name, message);
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '' && selector !== undefined) yield forbiddenField(`${path}.name`, exclusive);
  yield* validateLabelSelector(`${path}.selector`, selector);
  if (name !== '' && selector !== undefined) yield forbiddenField(`${path}.selector`, exclusive);
  if (name === '' && selector === undefined) yield required(path, 'one of name or selector must be specified');
  const actions = ['Deny', 'Allow'];
  if (parameterNotFoundAction === '') yield required(`${path}.parameterNotFoundAction`);
  else if (!actions.includes(parameterNotFoundAction)) yield notSupported(`${path}.parameterNotFoundAction`, parameterNotFoundAction, actions);
}
