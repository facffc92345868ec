import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFieldError } from '#apimachinery/field-error.ts';
import { created, errorsOf, given, statusErrorsOf } from '../kind-probe.ts';
import { CertificateSigningRequest } from './certificate-signing-request.ts';
import { validateApproval } from './validate-status.ts';

type Fields = Readonly<Record<string, unknown>>;
const base64 = (text: string): string => new TextEncoder().encode(text).toBase64();
const spec = { request: base64('-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n'), signerName: 'example.com/s', usages: ['client auth'] };
const of = (status: Fields): CertificateSigningRequest => given(CertificateSigningRequest, { metadata: { name: 'r' }, spec, status });
const pem = (label: string, content = 'MA==\n'): string => base64(`-----BEGIN ${label}-----\n${content}-----END ${label}-----\n`);

test('what is refused in a request for a certificate', () => {
  const errors = (change: Fields): string[] => errorsOf(CertificateSigningRequest, created(CertificateSigningRequest, { metadata: { name: 'r' }, spec: { ...spec, ...change } }));
  assert.deepEqual(errors({}), []);
  assert.deepEqual(errors({ usages: [], expirationSeconds: 599 }), ['spec.usages: Required value', 'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)']);
  assert.deepEqual(errors({ request: pem('CERTIFICATE') }), [`spec.request: Invalid value: "${pem('CERTIFICATE')}": PEM block type must be CERTIFICATE REQUEST`]);
  assert.deepEqual(errors({ signerName: 'kubernetes.io/legacy-unknown' }), ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version']);
  assert.match(errors({ usages: ['odd', 'any', 'any'] }).join('; '), /^spec\.usages\[0\]: Unsupported value: "odd": .*; spec\.usages\[2\]: Duplicate value: "any"$/);
});

const [approved, denied] = [{ type: 'Approved', status: 'True' }, { type: 'Denied', status: 'True' }];

test('a decision is one, true and for good', () => {
  const errors = (conditions: readonly Fields[], old: readonly Fields[] = []): string[] => [...validateApproval(of({ conditions }), of({ conditions: old }))].map(describeFieldError);
  assert.deepEqual(errors([approved]), []);
  assert.deepEqual(errors([approved, denied]), ['status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive']);
  assert.deepEqual(errors([{ type: 'Denied', status: 'False' }, { type: 'Odd', status: 'No' }, { type: 'Odd', status: '' }]), ['status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    'status.conditions[1].status: Unsupported value: "No": supported values: "False", "True", "Unknown"', 'status.conditions[2].status: Required value', 'status.conditions[2].type: Duplicate value: "Odd"']);
  assert.deepEqual(errors([], [approved]), ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']);
});

test('a signer issues one certificate, and does not decide', () => {
  const errors = (status: Fields, old: Fields = {}): string[] => statusErrorsOf(CertificateSigningRequest, of(status), of(old));
  assert.deepEqual(errors({ conditions: [approved, { type: 'Failed', status: 'True' }], certificate: pem('CERTIFICATE') }, { conditions: [approved] }), []);
  assert.deepEqual(errors({ conditions: [approved] }), ['status.conditions: Forbidden: updates may not add a condition of type "Approved"']);
  assert.deepEqual(errors({ certificate: pem('PRIVATE KEY') }), ['status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"']);
  assert.deepEqual(errors({ certificate: pem('CERTIFICATE', 'a: b\n\nMA==\n') }), ['status.certificate: Invalid value: "<certificate data>": no PEM block headers are permitted']);
  assert.deepEqual(errors({ certificate: base64('x') }), ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block']);
  assert.deepEqual(errors({ certificate: pem('CERTIFICATE', 'MAA=\n') }, { certificate: pem('CERTIFICATE') }), ['status.certificate: Forbidden: updates may not modify existing certificate content']);
});

test('what a signer writes of a decision does not count', () => {
  const draft = given(CertificateSigningRequest, { metadata: { name: 'r' }, spec, status: { conditions: [{ ...approved, reason: 'Mine' }, { type: 'Failed', status: 'True' }] } });
  CertificateSigningRequest.strategy.prepareForStatusUpdate?.(draft, of({ conditions: [{ ...approved, reason: 'Theirs' }] }));
  assert.deepEqual(draft.status.conditions?.map(({ type, reason }) => [type, reason]), [['Approved', 'Theirs'], ['Failed', undefined]]);
});
