import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '#apimachinery/names.ts';
import type { Quantity } from '#apimachinery/quantity.ts';
import { parseQuantity } from '#apimachinery/quantity.ts';
import { kubernetesFunctions } from '#cel/kubernetes.ts';
import type { NamedFormats } from '#cel/library/format.ts';
import type { Quantities } from '#cel/library/quantity.ts';
import { hasFormat } from '../custom-resources/schema/formats.ts';

const quantities: Quantities<Quantity> = {
  parse: parseQuantity,
  nanos: ({ nanos }) => nanos,
  fromNanos: (nanos, like) => ({ ...like, nanos }),
};

/** What a format says of a text that does not have it. */
function formatCheck(name: string): (text: string) => readonly string[] {
  return (text) => (hasFormat(name, text) ? [] : [`must be a valid ${name}`]);
}
/** A prefix may end in a dash, to which something is to be added. */
function prefixCheck(check: (text: string) => readonly string[]): (text: string) => readonly string[] {
  return (text) => check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
}

const formats: NamedFormats = {
  dns1123Label, dns1123Subdomain, dns1035Label, qualifiedName, labelValue,
  dns1123LabelPrefix: prefixCheck(dns1123Label), dns1123SubdomainPrefix: prefixCheck(dns1123Subdomain), dns1035LabelPrefix: prefixCheck(dns1035Label),
  uri: formatCheck('uri'), uuid: formatCheck('uuid'), byte: formatCheck('byte'), date: formatCheck('date'), datetime: formatCheck('datetime'),
};

/** What expressions of custom resources can call. */
export const expressionFunctions = kubernetesFunctions({ quantities, formats });
/** To be completed with functions of one place only. */
export const expressionLibraries = { quantities, formats } as const;
