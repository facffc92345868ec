import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExpressionError } from './ast.ts';
import { compile } from './compile.ts';
import { kubernetesFunctions, perCallLimit } from './kubernetes.ts';
import type { CelType } from './types.ts';
import { dyn, int, listOf, mapOf, string } from './types.ts';
import { equal } from './values.ts';

const functions = kubernetesFunctions({
  quantities: { parse: (text: string) => BigInt(text) * 1_000_000_000n, nanos: (value: bigint) => value, fromNanos: (nanos: bigint) => nanos },
  formats: { short: (text) => (text.length > 3 ? ['too long'] : []) },
});
const object: CelType = { is: 'object', name: 'Self', fields: new Map<string, { key: string; type: CelType }>([
  ['name', { key: 'name', type: string }], ['count', { key: 'count', type: int }], ['tags', { key: 'tags', type: listOf(string, 10) }],
  ['labels', { key: 'labels', type: mapOf(string, string) }], ['any', { key: 'any', type: dyn }], ['numbers', { key: 'numbers', type: listOf(int, 100) }],
]) };
const self = { name: 'web', count: 3, tags: ['a', 'b'], labels: { app: 'x' }, any: { deep: [1, 2.5, 'z'] }, numbers: [3, 1, 2] };
const environment = { functions, variables: { self: object } };

function run(expression: string): unknown {
  const outcome = compile(expression, environment).run({ self }, perCallLimit);
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

describe('expressions that hold', () => {
  const holding = [
    '1 + 2 * 3 == 7', '7 / 2 == 3', '-7 % 3 == -1', '1.5 + 2.0 == 3.5', '"a" + "b" == "ab"', '[1, 2] + [3] == [1, 2, 3]', '2 in [1, 2]', '"app" in self.labels', '!("z" in self.labels)',
    'self.count == 3', 'self.count + 1 > self.tags.size()', 'size(self.name) == 3', 'self.labels.app == "x"', 'self.labels["app"] == "x"', 'has(self.labels.app) && !has(self.labels.none)',
    'self.tags.all(t, t.size() == 1)', 'self.tags.exists(t, t == "b")', 'self.tags.exists_one(t, t == "a")', 'self.tags.map(t, t + "!") == ["a!", "b!"]', 'self.numbers.filter(n, n > 1) == [3, 2]', 'self.tags.map(t, t != "a", t) == ["b"]',
    'self.any.deep[0] == 1', 'self.any.deep[1] == 2.5', 'self.numbers.sum() == 6', 'self.numbers.max() == 3', '!self.numbers.isSorted()', 'self.tags.isSorted()', 'self.numbers.indexOf(2) == 2',
    'true || self.labels.none == "x"', '!(false && self.labels.none == "x")', 'self.labels.none == "x" || true', 'self.count > 2 ? true : false',
    '"hello".matches("^h.*o$")', '"a,b".split(",") == ["a", "b"]', '"héllo".size() == 5', '"HeLLo".lowerAscii() == "hello"', '"tacocat".substring(4) == "cat"', '"a-b-a".replace("a", "x", 1) == "x-b-a"', '["a", "b"].join("-") == "a-b"', '"abc 123".find("[0-9]+") == "123"', '"123 abc 456".findAll("[0-9]*", 1) == ["123"]', '"%s is %d".format(["x", 2]) == "x is 2"', '"abc".charAt(1) == "b"', '"abcabc".lastIndexOf("b") == 4', '" a ".trim() == "a"',
    'timestamp("2024-01-31T10:00:00Z").getMonth() == 0', 'timestamp("2024-01-31T10:00:00Z") - timestamp("2024-01-31T09:00:00Z") == duration("1h")', 'duration("90m").getHours() == 1', 'timestamp("2024-01-31T23:30:00Z").getDayOfMonth("+01:00") == 0', 'string(duration("1h1m1s")) == "3661s"',
    'type(1) == int', 'type("a") == string', 'int("42") == 42', 'double("1.5") == 1.5', 'string(1) == "1"', 'dyn(1) == 1.0', '1 < 1.5', 'b"abc" == bytes("abc")', '"\\u00e9" == "é"', 'r"\\n" == "\\\\n"', "'''a\nb'''.contains(\"\\n\")",
    'url("https://user:pw@host:80/a/b?x=1&x=2").getHost() == "host:80"', 'url("https://host/p").getEscapedPath() == "/p"', 'url("https://[::1]:80/").getHostname() == "::1"', 'url("https://h/?a=1").getQuery()["a"] == ["1"]', '!isURL("../rel") && isURL("/abs")',
    'ip("127.0.0.1").isLoopback()', 'ip("::1").family() == 6', '!isIP("1.2.3")', 'ip.isCanonical("2001:db8::1")', '!ip.isCanonical("2001:DB8::1")', 'cidr("10.0.0.0/8").containsIP("10.1.2.3")', 'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', 'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")', 'string(ip("::1")) == "::1"',
    'quantity("2").isGreaterThan(quantity("1"))', 'quantity("2").add(1).asInteger() == 3', 'semver("1.2.3").isLessThan(semver("1.10.0"))', 'semver("1.0.0-alpha").isLessThan(semver("1.0.0"))', 'semver("v1.2", true).minor() == 2', 'isSemver("1.0.0")', 'format.short().validate("abcd").hasValue()', '!format.named("none").hasValue()',
    'sets.contains([1, 2, 3], [2])', 'sets.equivalent([1, 2], [2, 1])', '!sets.intersects([1], [2])',
    'self.?labels.none.orValue("d") == "d"', 'self.labels[?"app"].value() == "x"', 'optional.of(1).hasValue()', '!optional.none().hasValue()', '[1, ?optional.none()] == [1]', '{"a": 1, ?"b": optional.none()} == {"a": 1}', 'self.labels[?"app"].optMap(v, v + "!").value() == "x!"',
    '[1, 2].all(i, v, i + 1 == v)', '{"a": 1}.exists(k, v, k == "a" && v == 1)', '[1, 2].transformList(i, v, v * 2) == [2, 4]', '{"a": 1}.transformMap(k, v, v + 1) == {"a": 2}', '{"a": "b"}.transformMapEntry(k, v, {v: k}) == {"b": "a"}', 'cel.bind(x, 2, x * x) == 4', '[3, 1, 2].sortBy(n, -n) == [3, 2, 1]',
    'self.name in ["web", "db"]', 'dyn({"a": 1}) == {"a": 1.0}', '[[1]] == [[1]]', '9223372036854775807 > 0', '-9223372036854775808 < 0', '1u + 2u == 3u', '0xff == 255', '1e3 == 1000.0',
  ];
  for (const expression of holding) test(expression, () => assert.equal(run(expression), true));
});

describe('expressions that fail when they run', () => {
  const failing: readonly (readonly [string, string])[] = [
    ['1 / 0', 'division by zero'], ['5 % 0', 'modulus by zero'], ['self.labels.none', 'no such key: none'], ['self.tags[5]', 'index out of bounds: 5'], ['9223372036854775807 + 1', 'integer overflow'], ['self.any.deep + 1', 'no such overload'], ['optional.none().value()', 'optional.none() dereference'],
  ];
  for (const [expression, message] of failing) test(expression, () => assert.throws(() => run(expression), { message }));
});

describe('expressions that are refused', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['self.nothing', "ERROR: <input>:1:5: undefined field 'nothing'\n | self.nothing\n | ....^"],
    ['other == 1', "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other == 1\n | ^"],
    ['self.name == 1', "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, int)'\n | self.name == 1\n | ..........^"],
    ['self.name + 1', "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(string, int)'\n | self.name + 1\n | ..........^"],
    ['self.name.startsWith(1)', "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^"],
  ];
  for (const [expression, message] of refused) test(expression, () => assert.throws(() => compile(expression, environment), (error) => error instanceof ExpressionError && error.message === message));
  for (const expression of ['1 +', '(1', '"abc', '1 ? 2', 'a b', '[1,,2]', 'for', '']) test(`syntax: ${expression}`, () => assert.throws(() => compile(expression, environment), ExpressionError));
});

test('costs are counted while running and estimated before', () => {
  const cost = (expression: string): number => compile(expression, environment).run({ self }, perCallLimit).cost;
  const costs: Readonly<Record<string, number>> = {
    'self.count == 3': 3, 'self.tags.all(t, t == "a")': 13, 'self.name.startsWith("w")': 3, '[1, 2, 3].size() == 3': 2, 'has(self.labels.app)': 2, 'self.name in ["web", "db"]': 2,
    'self.tags.map(t, t).size() == 2': 31, 'self.numbers.exists_one(n, n == 3)': 12, 'self.tags.filter(t, t == "a").size() == 1': 22, 'double(5) < 10.0': 1, 'self.name.matches("^[^0-9]*$")': 5,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(costs).map((expression) => [expression, cost(expression)])), costs);
  assert.equal(compile('self.tags.all(t, self.tags.all(u, t == u))', environment).maxCost > compile('self.tags.all(t, t == "a")', environment).maxCost, true);
});

test('what costs too much is stopped, whatever stands beside it', () => {
  const many = Array.from({ length: 1000 }, (_, index) => index);
  const program = compile('true || self.all(x, self.all(y, x == y)) || self.all(x, self.all(y, self.all(z, true)))', { functions, variables: { self: listOf(int) } });
  assert.equal(program.run({ self: many }, 100).ok, true);
  const endless = compile('self.all(x, self.all(y, self.all(z, true))) || true', { functions, variables: { self: listOf(int) } }).run({ self: many }, perCallLimit);
  assert.equal(endless.ok ? '' : endless.error.message, 'operation cancelled: actual cost limit exceeded');
});

test('equality is by value', () => {
  assert.equal(equal({ a: [1n] }, new Map([['a', [1]]])), true);
  assert.equal(equal('1', 1n), false);
});
