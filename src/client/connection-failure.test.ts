import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionFailure } from './connection-failure.ts';

const failed = (code: string, more: object = {}, message = 'in Node\'s words'): string => connectionFailure(Object.assign(new Error(message), { code, ...more }));

test('what is known is said in the words of Kubernetes\' components', () => {
  assert.equal(failed('ECONNREFUSED', { address: '10.0.0.1', port: 443 }), 'dial tcp 10.0.0.1:443: connect: connection refused');
  assert.equal(failed('EHOSTUNREACH', { address: 'fd00::1', port: 443 }), 'dial tcp [fd00::1]:443: connect: no route to host');
  assert.equal(failed('ENOTFOUND', { hostname: 'hooks.example' }), 'dial tcp: lookup hooks.example: no such host');
  assert.equal(failed('ECONNRESET', {}, 'socket hang up'), 'EOF');
  assert.equal(failed('ECONNRESET', {}, 'read ECONNRESET'), 'read: connection reset by peer');
  assert.equal(failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls: failed to verify certificate: x509: certificate signed by unknown authority');
  assert.equal(failed('ERR_TLS_CERT_ALTNAME_INVALID', { host: 'a.svc', cert: { subjectaltname: 'DNS:b.svc, IP Address:10.0.0.1' } }), 'tls: failed to verify certificate: x509: certificate is valid for b.svc, 10.0.0.1, not a.svc');
});

test('of several addresses that were tried the first is told; what is not known stays as it is', () => {
  const each = ['::1', '127.0.0.1'].map((address) => Object.assign(new Error('refused'), { code: 'ECONNREFUSED', address, port: 80 }));
  assert.equal(connectionFailure(new AggregateError(each)), 'dial tcp [::1]:80: connect: connection refused');
  assert.equal(connectionFailure(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), { host: 'n1', port: 80 }), 'dial tcp n1:80: connect: connection refused');
  assert.equal(failed('EPROTO'), 'in Node\'s words');
});
