/** What admission policies and their bindings share. Source: behaviour of the v1.36 API server. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { required } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import type { MatchResources, ParamKind, ParamRef } from './matching.ts';
import { validateRule } from './webhook-rules.ts';

export const paramKindColumn: Column<SpecPart<{ readonly paramKind?: ParamKind | undefined }>> = column('ParamKind', ({ spec: { paramKind } }) =>
  paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`);

type Binding = SpecPart<{ readonly policyName?: string | undefined; readonly paramRef?: ParamRef | undefined }>;

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

export function* validateConstraints(constraints: MatchResources | undefined): Iterable<FieldError> {
  const at = 'spec.matchConstraints';
  if (constraints === undefined) {
    yield required(at);
    return;
  }
  if ((constraints.resourceRules ?? []).length === 0) yield required(`${at}.resourceRules`);
  for (const [index, rule] of (constraints.resourceRules ?? []).entries()) yield* validateRule(rule, `${at}.resourceRules[${index}]`);
}
