/** Rules on the addresses and address families of services. Source: KEP-563 (dual stack); behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { ipFamily, validateIpAddress } from '#apimachinery/ip.ts';
import type { ServiceSpec } from './service.ts';

type Spec = Pick<ServiceSpec, 'type' | 'clusterIP' | 'clusterIPs' | 'ipFamilies' | 'ipFamilyPolicy'>;

const supportedFamilies = ['IPv4', 'IPv6'];

/** What is wrong with the addresses and families of one service, before or after they are allocated. */
export function* validateClusterIps(spec: Spec): Iterable<FieldError> {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  const path = 'spec.clusterIPs';
  if (clusterIP === '') {
    if (clusterIPs.length > 0) yield invalidValue(path, clusterIPs, 'must be empty when `clusterIP` is not specified');
  } else if (clusterIPs.length === 0) yield required(path);
  else if (clusterIPs[0] !== clusterIP) yield invalidValue(path, clusterIPs, 'first value must match `clusterIP`');
  for (const [index, family] of ipFamilies.entries()) {
    if (!supportedFamilies.includes(family)) yield notSupported(`spec.ipFamilies[${index}]`, family, supportedFamilies);
    if (ipFamilies.indexOf(family) !== index) yield duplicate(`spec.ipFamilies[${index}]`, family);
  }
  const malformed = [...validateEach(clusterIPs, path)];
  yield* malformed;
  if (clusterIPs.length > 2) yield invalidValue(path, clusterIPs, 'may only hold up to 2 values');
  if (malformed.length > 0) return;
  if (new Set(clusterIPs.map(ipFamily)).size < clusterIPs.length) yield invalidValue(path, clusterIPs, 'may specify no more than one IP for each IP family');
  yield* validateOrder(clusterIPs, ipFamilies);
}

function* validateEach(clusterIPs: readonly string[], path: string): Iterable<FieldError> {
  for (const [index, address] of clusterIPs.entries()) {
    if (index > 0 || address !== 'None') yield* validateIpAddress(address, `${path}[${index}]`);
    else if (clusterIPs.length > 1) yield invalidValue(path, clusterIPs, "'None' must be the first and only value");
  }
}

/** The nth address is of the nth family. */
function* validateOrder(clusterIPs: readonly string[], ipFamilies: readonly string[]): Iterable<FieldError> {
  if (clusterIPs[0] === 'None') return;
  for (const [index, address] of clusterIPs.entries()) {
    const wanted = ipFamilies[index];
    if (wanted !== undefined && wanted !== `IPv${ipFamily(address)}`) yield invalidValue(`spec.clusterIPs[${index}]`, address, `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``);
  }
}

/** What an update may do to them: the first never changes, the second comes and goes with the policy. */
export function* validateClusterIpsUpdate(spec: Spec, old: Spec): Iterable<FieldError> {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  const isHeadless = spec.clusterIPs?.[0] === 'None';
  const wasHeadless = old.clusterIPs?.[0] === 'None';
  if (isHeadless && wasHeadless) return;
  yield* validateChange({ now: spec.clusterIPs ?? [], before: old.clusterIPs ?? [], policy: spec.ipFamilyPolicy, path: 'spec.clusterIPs', primary: 'primary clusterIP', secondary: 'secondary clusterIP' });
  if (isHeadless !== wasHeadless) return;
  yield* validateChange({ now: spec.ipFamilies ?? [], before: old.ipFamilies ?? [], policy: spec.ipFamilyPolicy, path: 'spec.ipFamilies', primary: 'primary ipFamily', secondary: 'secondary ipFamily' });
}

interface Change {
  readonly now: readonly string[];
  readonly before: readonly string[];
  readonly policy: string | undefined;
  readonly path: string;
  readonly primary: string;
  readonly secondary: string;
}

function* validateChange({ now, before, policy, path, primary, secondary }: Change): Iterable<FieldError> {
  // Both, where as many are there as before; else the one that stays.
  const kept = now.length === before.length ? before.length : Math.min(1, before.length, now.length);
  for (let index = 0; index < kept; index++) if (now[index] !== before[index]) yield invalidValue(`${path}[${index}]`, now, 'may not change once set');
  if (now.length >= before.length) return;
  if (now.length === 0) yield invalidValue(`${path}[0]`, now, `${primary} can not be unset`);
  if (now.length === 1 && policy !== 'SingleStack') yield invalidValue('spec.ipFamilyPolicy', policy ?? null, `must be set to 'SingleStack' when releasing the ${secondary}`);
}
