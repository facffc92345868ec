import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { created, errorsOf, given, statusErrorsOf } from '../kind-probe.ts';
import { MutatingAdmissionPolicyBinding } from './mutating-admission-policy-binding.ts';
import { MutatingAdmissionPolicy } from './mutating-admission-policy.ts';
import { MutatingWebhookConfiguration } from './mutating-webhook-configuration.ts';
import { ValidatingAdmissionPolicyBinding } from './validating-admission-policy-binding.ts';
import { ValidatingAdmissionPolicy } from './validating-admission-policy.ts';
import { ValidatingWebhookConfiguration } from './validating-webhook-configuration.ts';

type Fields = Readonly<Record<string, unknown>>;
const metadata = { name: 'policy.example.com' };

function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [fields, ...errors] of table) assert.deepEqual(errorsOf(kind, created(kind, { metadata, ...fields })), errors, JSON.stringify(fields));
}

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const webhook = { name: 'a.example.com', clientConfig: { url: 'https://hook.example.com/x' }, rules: [rule], sideEffects: 'None', admissionReviewVersions: ['v1'] };
const nameMismatch = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

test('what is refused in webhook configurations', () => {
  const hooks = (...changes: readonly Fields[]): Fields => ({ webhooks: changes.map((change) => ({ ...webhook, ...change })) });
  const client = (clientConfig: Fields): Fields => hooks({ clientConfig });
  const at = 'webhooks[0]';
  check(ValidatingWebhookConfiguration, [
    [hooks({})],
    [client({ service: { name: 'n', namespace: 'd', path: '/a/b/' } })],
    [hooks({ name: '' }), `${at}.name: Required value`],
    [hooks({ name: 'a.b' }), `${at}.name: Invalid value: "a.b": should be a domain with at least three segments separated by dots`],
    [hooks({}, {}), 'webhooks[1].name: Duplicate value: "a.example.com"'],
    [hooks({ sideEffects: undefined }), `${at}.sideEffects: Required value: must specify one of None, NoneOnDryRun`],
    [hooks({ sideEffects: 'Some' }), `${at}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`],
    [hooks({ sideEffects: 'Odd' }), `${at}.sideEffects: Unsupported value: "Odd": supported values: "None", "NoneOnDryRun"`],
    [hooks({ timeoutSeconds: 31 }), `${at}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`],
    [hooks({ admissionReviewVersions: [] }), `${at}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`],
    [hooks({ admissionReviewVersions: ['v2', 'v2'] }), `${at}.admissionReviewVersions[1]: Invalid value: "v2": duplicate version`, `${at}.admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1`],
    [client({}), `${at}.clientConfig: Required value: exactly one of url or service is required`],
    [client({ url: 'http://u@h/?q#f' }), `${at}.clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      `${at}.clientConfig.url: Invalid value: "u": user information is not permitted in the URL`, `${at}.clientConfig.url: Invalid value: "f": fragments are not permitted in the URL`,
      `${at}.clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL`],
    [client({ url: 'hook' }), `${at}.clientConfig.url: Invalid value: "": 'https' is the only allowed URL scheme; desired format: https://host[/path]`, `${at}.clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]`],
    // As upstream has it: of the name it is told under the namespace.
    [client({ service: { namespace: 'd', port: 70_000, path: 'x/y//' } }), `${at}.clientConfig.service.namespace: Required value`, `${at}.clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive`,
      `${at}.clientConfig.service.path: Invalid value: "x/y//": must start with a '/'`, `${at}.clientConfig.service.path: Invalid value: "x/y//": segment[0] may not be empty`,
      `${at}.clientConfig.service.path: Invalid value: "x/y//": segment[2] may not be empty`],
    [hooks({ matchConditions: [{ name: 'a b', expression: ' ' }] }), `${at}.matchConditions[0].expression: Required value`, `${at}.matchConditions[0].name: Invalid value: "a b": ${nameMismatch}`],
    [hooks({ matchConditions: Array.from({ length: 65 }, (_, index) => ({ name: `c${index}`, expression: 'true' })) }), `${at}.matchConditions: Too many: 65: must have at most 64 items`],
  ]);
  check(MutatingWebhookConfiguration, [[hooks({ reinvocationPolicy: 'Odd' }), `${at}.reinvocationPolicy: Unsupported value: "Odd": supported values: "IfNeeded", "Never"`]]);
});

test('what is refused in a rule', () => {
  const rules = (change: Fields): Fields => ({ webhooks: [{ ...webhook, rules: [{ ...rule, ...change }] }] });
  const at = 'webhooks[0].rules[0]';
  check(ValidatingWebhookConfiguration, [
    [rules({ resources: ['*', 'pods/log', '*/status'] })],
    [rules({ operations: [], apiGroups: [], apiVersions: [], resources: [] }), `${at}.operations: Required value`, `${at}.apiGroups: Required value`, `${at}.apiVersions: Required value`, `${at}.resources: Required value`],
    [rules({ operations: ['*', 'PATCH'] }), `${at}.operations: Invalid value: ["*","PATCH"]: if '*' is present, must not specify other operations`, `${at}.operations[1]: Unsupported value: "PATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"`],
    [rules({ apiGroups: ['*', 'apps'], apiVersions: ['*', 'v1'] }), `${at}.apiGroups: Invalid value: ["*","apps"]: if '*' is present, must not specify other API groups`, `${at}.apiVersions: Invalid value: ["*","v1"]: if '*' is present, must not specify other API versions`],
    [rules({ apiVersions: [''] }), `${at}.apiVersions[0]: Required value`],
    [rules({ resources: ['*', 'pods'] }), `${at}.resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`],
    [rules({ resources: ['pods/*', 'pods/log', '*/scale', 'a/scale'] }), `${at}.resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`, `${at}.resources[3]: Invalid value: "a/scale": if '*/scale' is present, must not specify a/scale`],
    [rules({ resources: ['', '*/*'] }), `${at}.resources[0]: Required value`, `${at}.resources: Invalid value: ["","*/*"]: if '*/*' is present, must not specify other resources`],
    [rules({ scope: 'Odd' }), `${at}.scope: Unsupported value: "Odd": supported values: "*", "Cluster", "Namespaced"`],
  ]);
});

const matchConstraints = { resourceRules: [rule] };
const validations = [{ expression: 'true' }];

test('what is refused in a validating policy', () => {
  const policy = (spec: Fields): Fields => ({ spec: { matchConstraints, validations, ...spec } });
  check(ValidatingAdmissionPolicy, [
    [policy({ paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' }, variables: [{ name: 'a', expression: '1' }], auditAnnotations: [{ key: 'k', valueExpression: "'v'" }] })],
    [{ spec: {} }, 'spec.matchConstraints: Required value', 'spec.validations: Required value: validations or auditAnnotations must contain at least one item', 'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item'],
    [policy({ matchConstraints: {} }), 'spec.matchConstraints.resourceRules: Required value'],
    [policy({ matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a/b', 'c', 'c'] }] } }), `spec.matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: "a/b": may not contain '/'`, 'spec.matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "c"'],
    [policy({ paramKind: { apiVersion: 'a/b/c' } }), 'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c', 'spec.paramKind.kind: Required value'],
    [policy({ paramKind: { apiVersion: 'g/', kind: 'K' } }), 'spec.paramKind.apiVersion: Invalid value: "g/": version must be specified'],
    [policy({ variables: [{ name: 'for', expression: '1' }, { name: 'b', expression: '' }] }), 'spec.variables[1].expression: Required value: expression is not specified', 'spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier'],
    [policy({ validations: [{ expression: '', message: 'a\nb', messageExpression: ' ', reason: 'Odd' }, { expression: 'true', message: ' ' }] }), 'spec.validations[0].expression: Required value: expression is not specified',
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified', 'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"', 'spec.validations[1].message: Invalid value: " ": message must be non-empty if specified'],
    [policy({ auditAnnotations: [{ key: 'a b', valueExpression: ' ' }, { key: 'k', valueExpression: 'x'.repeat(5121) }, { key: 'k', valueExpression: "''" }] }), `spec.auditAnnotations[0].key: Invalid value: "policy.example.com/a b": ${nameMismatch}`,
      'spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified', 'spec.auditAnnotations[1].valueExpression: Required value: must not exceed 5120 bytes in length', 'spec.auditAnnotations[2].key: Duplicate value: "k"'],
  ]);
  const status = { typeChecking: { expressionWarnings: [{ fieldRef: ' ', warning: '' }] }, conditions: [{ type: 'A', status: 'True', reason: 'R', message: '' }] };
  assert.deepEqual(statusErrorsOf(ValidatingAdmissionPolicy, given(ValidatingAdmissionPolicy, { metadata, status }) as unknown as ValidatingAdmissionPolicy), [
    'status.typeChecking.expressionWarnings[0].warning: Required value', 'status.typeChecking.expressionWarnings[0].fieldRef: Required value', 'status.conditions[0].lastTransitionTime: Required value',
  ]);
});

test('what is refused in a mutating policy', () => {
  const policy = (...mutations: readonly Fields[]): Fields => ({ spec: { matchConstraints, reinvocationPolicy: 'Never', mutations } });
  const jsonPatch = { expression: '[]' };
  check(MutatingAdmissionPolicy, [
    [policy({ patchType: 'JSONPatch', jsonPatch })],
    [policy(), 'spec.mutations: Required value: mutations must contain at least one item'],
    [policy({ jsonPatch }), 'spec.mutations[0].patchType: Required value'],
    [policy({ patchType: 'Odd' }), 'spec.mutations[0].patchType: Unsupported value: "Odd": supported values: "ApplyConfiguration", "JSONPatch"'],
    [policy({ patchType: 'ApplyConfiguration', jsonPatch }), 'spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration',
      'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration'],
    [policy({ patchType: 'JSONPatch', jsonPatch: { expression: ' ' } }), 'spec.mutations[0].jsonPatch.expression: Required value'],
    [{ spec: { matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] }, mutations: [{ patchType: 'JSONPatch', jsonPatch }] } },
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"', 'spec.reinvocationPolicy: Required value'],
  ]);
});

test('what is refused in a binding', () => {
  const binding = (spec: Fields): Fields => ({ spec: { policyName: 'p', validationActions: ['Deny'], ...spec } });
  check(ValidatingAdmissionPolicyBinding, [
    [binding({ paramRef: { name: 'a', parameterNotFoundAction: 'Deny' } })],
    [binding({ policyName: '', validationActions: [] }), 'spec.policyName: Required value', 'spec.validationActions: Required value: at least one validation action is required'],
    [binding({ validationActions: ['Deny', 'Warn', 'Warn', 'Odd'] }), 'spec.validationActions[2]: Duplicate value: "Warn"', 'spec.validationActions[3]: Unsupported value: "Odd": supported values: "Audit", "Deny", "Warn"',
      'spec.validationActions: Invalid value: ["Deny","Warn","Warn","Odd"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'],
    [binding({ paramRef: { name: 'a/b', selector: {} } }), "spec.paramRef.name: Invalid value: \"a/b\": may not contain '/'", 'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive', 'spec.paramRef.parameterNotFoundAction: Required value'],
    [binding({ paramRef: { parameterNotFoundAction: 'Odd' } }), 'spec.paramRef: Required value: one of name or selector must be specified', 'spec.paramRef.parameterNotFoundAction: Unsupported value: "Odd": supported values: "Deny", "Allow"'],
    [binding({ matchResources: { matchPolicy: 'Odd', resourceRules: [{ ...rule, operations: [] }] } }), 'spec.matchResources.matchPolicy: Unsupported value: "Odd": supported values: "Equivalent", "Exact"', 'spec.matchResources.resourceRules[0].operations: Required value'],
  ]);
  check(MutatingAdmissionPolicyBinding, [
    [{ spec: { matchResources: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } } }, 'spec.policyName: Required value', 'spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"'],
  ]);
});
