import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { parseExactJson, withExactIntegers } from './exact-json.ts';

describe('integers of JSON', () => {
  it('come out as they came in, as far as int64 reaches', () => {
    for (const text of ['1', '9007199254740991', '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808', '{"a":[9223372036854775806,1.5,"12345678901234567890"]}']) {
      assert.equal(JSON.stringify(parseExactJson(text)), text);
    }
  });

  it('are numbers where a number holds them, doubles beyond int64', () => {
    assert.equal(parseExactJson('9007199254740991'), 9007199254740991);
    assert.equal(parseExactJson('9007199254740993'), 9007199254740993n);
    assert.equal(parseExactJson('9223372036854775808'), 2 ** 63);
    assert.equal(parseExactJson('1e18'), 1e18);
  });

  it('do not become infinite', () => {
    assert.throws(() => parseExactJson('{"a":1e400}'), { message: 'json: cannot unmarshal number 1e400 into Go value of type float64' });
  });

  it('keep their digits in CBOR and YAML', () => {
    const document = { n: 9223372036854775807n, m: -9007199254740993n, k: 5 };
    assert.deepEqual(decodeCbor(encodeCbor(document), { exact: true }), document);
    assert.deepEqual(decodeCbor(encodeCbor(document)), { n: 2 ** 63, m: -9007199254740992, k: 5 });
    assert.deepEqual(withExactIntegers({ n: 9223372036854775807n, k: 5n }), { n: 9223372036854775807n, k: 5 });
  });
});
