/**
 * Which address families a Service gets, from what was asked and what the cluster has. Pure but for the draft, which it
 * completes. Texts are upstream's: tools match on them.
 *
 * Source: KEP-563 (dual stack); behaviour of the v1.36 API server.
 */
import type { ServiceSpec } from '#api/core/service.ts';
import { validateClusterIps } from '#api/core/validate-cluster-ips.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { IpFamily } from '#apimachinery/ip-range.ts';
import { familyOf } from './claims.ts';

type Spec = Draft<ServiceSpec>;

/**
 * Brings `clusterIP` and `clusterIPs` together where a client wrote only one of them: older ones know the first alone.
 */
export function alignClusterIps(spec: Spec, old: ServiceSpec | undefined): void {
  const isGiven = (spec.clusterIP ?? '') !== '';
  if (old === undefined) {
    if (isGiven && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP ?? ''];
    return;
  }
  if ((spec.clusterIP ?? '') === (old.clusterIP ?? '')) {
    if ((spec.clusterIPs ?? []).length === 0 && old.clusterIPs !== undefined && isGiven) spec.clusterIPs = [...old.clusterIPs];
    return;
  }
  if (!isGiven && saysTheSame(spec.clusterIPs, old.clusterIPs)) delete spec.clusterIPs;
  else if (isGiven && ((spec.clusterIPs ?? []).length === 0 || saysTheSame(spec.clusterIPs, old.clusterIPs))) spec.clusterIPs = [spec.clusterIP ?? ''];
}

/**
 * A Service that prefers two families and is left as it is neither gains nor loses one because the cluster has changed.
 */
export function keepsFamilies(spec: Spec, old: ServiceSpec | undefined): boolean {
  return old !== undefined
    && spec.type === old.type && spec.type !== 'ExternalName'
    && spec.ipFamilyPolicy === 'PreferDualStack' && (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack'
    && saysTheSame(spec.clusterIPs ?? [], old.clusterIPs ?? []) && saysTheSame(spec.ipFamilies ?? [], old.ipFamilies ?? []);
}

/**
 * Settles `ipFamilyPolicy`, `ipFamilies` and, when a family is given up, `clusterIPs`. `families`: those of the cluster,
 * the default first. Gives what is wrong; the draft is then not to be used.
 */
export function settleFamilies(spec: Spec, old: ServiceSpec | undefined, families: readonly IpFamily[]): readonly FieldError[] {
  if (spec.type === 'ExternalName' || keepsFamilies(spec, old)) return [];
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isHeadlessWithoutSelector(spec) ? 'RequireDualStack' : 'SingleStack');
  const malformed = [...validateClusterIps(spec)];
  if (malformed.length > 0) return malformed;
  const errors = [...(old === undefined ? [] : giveUpSecond(spec, old)), ...inferFamilies(spec, families)];
  if (errors.length > 0) return errors;
  if (isHeadlessWithoutSelector(spec)) {
    // Nobody routes to it, so it may name families that the cluster does not have.
    addFamilies(spec, families, ['IPv4', 'IPv6']);
    return [];
  }
  const unknown = refuseUnknown(spec, families);
  if (unknown.length === 0) addFamilies(spec, families, families);
  return unknown;
}

function isHeadlessWithoutSelector({ clusterIP, selector = {} }: Spec): boolean {
  return clusterIP === 'None' && Object.keys(selector).length === 0;
}

/** SingleStack on what has two addresses means the second; anything else must not lose it unasked. */
function* giveUpSecond(spec: Spec, old: ServiceSpec): Iterable<FieldError> {
  const ips = spec.clusterIPs ?? [];
  const families = spec.ipFamilies ?? [];
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (ips.length > 1 && saysTheSame(ips, old.clusterIPs ?? [])) spec.clusterIPs = ips.slice(0, 1);
    if (families.length > 1 && saysTheSame(families, old.ipFamilies ?? [])) spec.ipFamilies = families.slice(0, 1);
    return;
  }
  const path = 'spec.ipFamilyPolicy';
  if (ips.length > 0 && ips.length < (old.clusterIPs ?? []).length) yield invalidValue(path, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP");
  if (families.length > 0 && families.length < (old.ipFamilies ?? []).length) yield invalidValue(path, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family");
}

/** Families that follow from the addresses asked for. */
function* inferFamilies(spec: Spec, known: readonly IpFamily[]): Iterable<FieldError> {
  const { clusterIPs = [], ipFamilyPolicy } = spec;
  const families = [...(spec.ipFamilies ?? [])];
  if (ipFamilyPolicy === 'SingleStack') {
    const path = 'spec.ipFamilyPolicy';
    if (clusterIPs.length === 2) yield invalidValue(path, ipFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
    if (families.length === 2) yield invalidValue(path, ipFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
  }
  for (const [index, address] of clusterIPs.entries()) {
    if (address === 'None') break;
    if (index < families.length) continue;
    const family = familyOf(address);
    if ((known as readonly string[]).includes(family)) families.push(family);
    else yield invalidValue(`spec.clusterIPs[${index}]`, clusterIPs, `${family} is not configured on this cluster`);
  }
  if (families.length > 0) spec.ipFamilies = families;
}

function refuseUnknown({ ipFamilyPolicy, ipFamilies = [] }: Spec, known: readonly IpFamily[]): FieldError[] {
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'RequireDualStack' && known.length < 2) errors.push(invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  for (const [index, family] of ipFamilies.entries()) {
    if (!(known as readonly string[]).includes(family)) errors.push(invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  }
  return errors;
}

/** The default family where none is given; the other one of `among` where two are wanted. */
function addFamilies(spec: Spec, known: readonly IpFamily[], among: readonly IpFamily[]): void {
  const families: string[] = spec.ipFamilies === undefined || spec.ipFamilies.length === 0 ? known.slice(0, 1) : spec.ipFamilies;
  const other = among.find((family) => !families.includes(family));
  spec.ipFamilies = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && other !== undefined ? [...families, other] : [...families];
}

