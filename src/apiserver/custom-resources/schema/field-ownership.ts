/** How a schema looks to field ownership (server-side apply, managed fields). */
import type { FieldShape, KeyedShape, Shape, StructShape } from '#apimachinery/field-shape.ts';
import { deduced, leaf, makeShape, structShape } from '#apimachinery/field-shape.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { SchemaNode } from './schema-node.ts';

/** The shape of the objects of a kind. */
export function objectShape(name: string, node: SchemaNode, fields: Iterable<string>): StructShape {
  const shapes: FieldShape[] = [];
  for (const key of fields) {
    const property = node.properties.get(key);
    shapes.push({ key, pathKey: `f:${key}`, shape: key === 'metadata' ? structShape(TemplateMeta) : property === undefined ? deduced : shapeOf(property) });
  }
  return makeShape(name, shapes, node.preservesUnknown ? deduced : undefined);
}

function shapeOf(node: SchemaNode): Shape {
  if (node.isAtomicMap || node.isIntOrString) return leaf;
  if (node.type === 'array') return listShape(node);
  if (node.type !== 'object' && !node.preservesUnknown) return leaf;
  if (node.properties.size === 0 && !node.preservesUnknown) {
    if (typeof node.additional === 'object') return { is: 'map', element: shapeOf(node.additional) };
    return node.additional === 'any' ? { is: 'map', element: deduced } : node.isEmbedded ? embedded(node) : makeShape('', []);
  }
  if (node.properties.size === 0 && !node.isEmbedded) return deduced;
  return node.isEmbedded ? embedded(node) : makeShape('', propertiesOf(node), node.preservesUnknown ? deduced : undefined);
}

function propertiesOf(node: SchemaNode): FieldShape[] {
  return [...node.properties].map(([key, property]) => ({ key, pathKey: `f:${key}`, shape: shapeOf(property) }));
}

function embedded(node: SchemaNode): Shape {
  const typeMeta: readonly FieldShape[] = [
    { key: 'apiVersion', pathKey: 'f:apiVersion', shape: leaf },
    { key: 'kind', pathKey: 'f:kind', shape: leaf },
    { key: 'metadata', pathKey: 'f:metadata', shape: structShape(TemplateMeta) },
  ];
  const own = propertiesOf(node).filter(({ key }) => !typeMeta.some((each) => each.key === key));
  return makeShape('', [...typeMeta, ...own], node.preservesUnknown ? deduced : undefined);
}

function listShape(node: SchemaNode): Shape {
  if (node.listType === 'set') return { is: 'set' };
  if (node.listType !== 'map' || node.items === undefined) return leaf;
  const { items } = node;
  const keys: KeyedShape['keys'] = [...node.listKeys].sort().map((name) => ({ name, fallback: items.properties.get(name)?.default }));
  return { is: 'keyed', element: shapeOf(items), keys };
}
