import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { WireReader, WireWriter } from './wire-bytes.ts';
import { decodeMessage, encodeMessage } from './wire-codec.ts';

test('what is written is read again, even under the name __proto__', () => {
  const sandbox = fc.record({
    id: fc.string({ unit: 'grapheme' }), state: fc.constantFrom('SANDBOX_READY', 'SANDBOX_NOTREADY'), createdAt: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    labels: fc.dictionary(fc.string(), fc.string()), annotations: fc.constant({}),
    metadata: fc.record({ name: fc.string(), uid: fc.string(), namespace: fc.string(), attempt: fc.nat() }),
  });
  fc.assert(fc.property(sandbox, (value) => {
    const read = decodeMessage('PodSandbox', encodeMessage('PodSandbox', value)) as unknown as typeof value;
    assert.deepEqual(new Map(Object.entries(read.labels)), new Map(Object.entries(value.labels)));
    assert.deepEqual({ ...read, labels: {} }, { ...value, metadata: { ...value.metadata }, labels: {} });
  }));
});

test('numbers are written as protobufjs writes them, negative and large ones too', () => {
  fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, -1, -997, 2 ** 31, -(2 ** 31), 2 ** 53 - 1)), (value) => {
    const ours = new WireWriter().varint(value).finish();
    assert.deepEqual(Buffer.from(ours), Buffer.from(protobuf.Writer.create().int64(value).finish()));
    assert.equal(new WireReader(ours).signed(), value);
  }));
});

test('zero is told from absent where it differs, and unknown fields are passed over', () => {
  assert.equal(decodeMessage('SandboxSecurityContext', encodeMessage('SandboxSecurityContext', { runAsUser: 0 }))['runAsUser'], 0);
  assert.equal('runAsUser' in decodeMessage('SandboxSecurityContext', new Uint8Array(0)), false);
  const withMore = Buffer.concat([new WireWriter().tag(99, 2).string('new').tag(98, 0).varint(7).finish(), encodeMessage('PodSandboxId', { podSandboxId: 'x' })]);
  assert.deepEqual({ ...decodeMessage('PodSandboxId', withMore) }, { podSandboxId: 'x' });
});

test('a message that is cut off is refused', () => {
  const whole = encodeMessage('PodSandboxId', { podSandboxId: 'a long enough text' });
  assert.throws(() => decodeMessage('PodSandboxId', whole.subarray(0, 5)), RangeError);
});
