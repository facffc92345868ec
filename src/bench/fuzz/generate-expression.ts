import type { Dice } from './dice.ts';

const roots = ['self', 'oldSelf', 'object', 'oldObject', 'request', 'params', 'namespaceObject', 'authorizer', 'variables', 'x', '1', '1.5', '"a"', 'true', 'null', 'b"a"', '[1, 2]', '{"a": 1}', '-1', '9223372036854775807', 'quantity("1Ki")', 'ip("10.0.0.1")', 'duration("1h")'];
const fields = ['metadata', 'spec', 'name', 'replicas', 'labels', 'items', 'size()', 'all(x, x > 1)', 'exists(x, x == "a")', 'map(x, x + 1)', 'filter(x, true)', 'matches("a*")', 'split(",")', 'startsWith("a")', 'contains("b")', 'lowerAscii()', 'sum()', 'orValue(1)', 'isSorted()', 'find("[a-z]+")', 'format(["a"])'];
const operators = ['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', 'in'];

/** An expression in CEL, often wrong in its types, sometimes in its grammar. */
export function generateExpression(dice: Dice, depth = 0): string {
  const bound = depth > 4 ? 2 : 8;
  switch (dice.below(bound)) {
    case 0: return dice.pick(roots);
    case 1: return `${dice.pick(roots)}.${dice.pick(fields)}`;
    case 2: return `${generateExpression(dice, depth + 1)} ${dice.pick(operators)} ${generateExpression(dice, depth + 1)}`;
    case 3: return `(${generateExpression(dice, depth + 1)})`;
    case 4: return `has(${dice.pick(roots)}.${dice.pick(fields)})`;
    case 5: return `${generateExpression(dice, depth + 1)} ? ${generateExpression(dice, depth + 1)} : ${generateExpression(dice, depth + 1)}`;
    case 6: return `${generateExpression(dice, depth + 1)}.${dice.pick(fields)}`;
    default: return dice.chance(0.2) ? dice.pick(['(', ')', '..', '&&', '"', '{', 'a b', '?', '!', '-', '@']) : `!${generateExpression(dice, depth + 1)}`;
  }
}
