/** Columns of kinds that hold a pod template. */
import { formatLabels } from '#apimachinery/columns.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import { formatLabelQuery, labelSelectorFrom } from '#apimachinery/selector.ts';
import type { PodTemplateSpec } from './pod-template.ts';

interface Templated {
  readonly spec: { readonly template?: PodTemplateSpec | undefined };
}

export function containerNames(template: PodTemplateSpec | undefined): string {
  return (template?.spec.containers ?? []).map((container) => container.name).join(',');
}

export function containerImages(template: PodTemplateSpec | undefined): string {
  return (template?.spec.containers ?? []).map((container) => container.image ?? '').join(',');
}

export const containersColumn: Column<Templated> = column('Containers', ({ spec }) => containerNames(spec.template), { wide: true });
export const imagesColumn: Column<Templated> = column('Images', ({ spec }) => containerImages(spec.template), { wide: true });

export const selectorColumn: Column<{ readonly spec: { readonly selector?: LabelSelector | undefined } }> = column(
  'Selector',
  ({ spec }) => formatSelector(spec.selector),
  { wide: true },
);
export const mapSelectorColumn: Column<{ readonly spec: { readonly selector?: Readonly<Record<string, string>> | undefined } }> = column(
  'Selector',
  ({ spec }) => formatLabels(spec.selector),
  { wide: true },
);

/** `app=web,tier in (a,b)`; `<none>` for none and for the one that selects all, `<error>` for one that makes no sense. */
export function formatSelector(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '<none>';
  try {
    const text = formatLabelQuery(labelSelectorFrom(selector));
    return text === '' ? '<none>' : text;
  } catch {
    return '<error>';
  }
}
