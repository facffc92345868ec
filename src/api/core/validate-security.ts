/** Rules on the privileges of containers and pods. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Subdomain, rangeMessage } from '#apimachinery/names.ts';
import type { AppArmorProfile, SeccompProfile, SecurityContext, WindowsSecurityContextOptions } from './container.ts';
import type { PodSecurityContext, PodSpec } from './pod-template.ts';
import { staysInside } from './validate-paths.ts';

const maxId = 2 ** 31 - 1;

/** A user or a group of the kernel. */
export function* validateId(id: number | undefined, path: string): Iterable<FieldError> {
  if (id !== undefined && (id < 0 || id > maxId)) yield invalidValue(path, id, rangeMessage(0, maxId));
}

/** Of a container. `hostUsers` is whether the pod shares the users of its node. */
export function* validateSecurityContext(context: SecurityContext, path: string, hostUsers: boolean): Iterable<FieldError> {
  yield* validateId(context.runAsUser, `${path}.runAsUser`);
  yield* validateId(context.runAsGroup, `${path}.runAsGroup`);
  if (hostUsers && context.procMount === 'Unmasked') yield invalidValue(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`');
  yield* validateSeccomp(context.seccompProfile, `${path}.seccompProfile`);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) yield invalidValue(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      yield invalidValue(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN');
    }
  }
  yield* validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`);
  yield* validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`);
}

const changePolicies = ['MountOption', 'Recursive'];

/** Of a pod as a whole. */
export function* validatePodSecurity(context: PodSecurityContext, spec: PodSpec, path: string): Iterable<FieldError> {
  yield* validateId(context.fsGroup, `${path}.fsGroup`);
  yield* validateId(context.runAsUser, `${path}.runAsUser`);
  yield* validateId(context.runAsGroup, `${path}.runAsGroup`);
  for (const [index, id] of (context.supplementalGroups ?? []).entries()) yield* validateId(id, `${path}.supplementalGroups[${index}]`);
  // The server keeps the field in its inner form with the security context, and so names it.
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    yield invalidValue(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  }
  yield* validateSysctls(context, spec, `${path}.sysctls`);
  yield* validateSeccomp(context.seccompProfile, `${path}.seccompProfile`);
  yield* validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`);
  yield* validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`);
  const policy = context.seLinuxChangePolicy;
  if (policy !== undefined && !changePolicies.includes(policy)) yield notSupported(`${path}.seLinuxChangePolicy`, policy, changePolicies);
}

const sysctlText = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
/** The same set of names, without the nested repetition that such a text would backtrack over. */
const sysctlForm = /^(?![-_])[-_a-z0-9]+(?<![-_])(?:[./](?![-_])[-_a-z0-9]+(?<![-_]))*$/;
const longestSysctl = 253;

function* validateSysctls({ sysctls = [] }: PodSecurityContext, spec: PodSpec, path: string): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, { name }] of sysctls.entries()) {
    const at = `${path}[${index}].name`;
    if (name === '') continue;
    if (name.length > longestSysctl || !sysctlForm.test(name)) yield invalidValue(at, name, `must have at most ${longestSysctl} characters and match regex ${sysctlText}`);
    else if (names.has(name)) yield duplicate(at, name);
    names.add(name);
    const namespace = sysctlNamespace(name);
    if (spec.hostNetwork === true && namespace === 'net') yield invalidValue(at, name, "may not be specified when 'hostNetwork' is true");
    else if (spec.hostIPC === true && namespace === 'ipc') yield invalidValue(at, name, "may not be specified when 'hostIPC' is true");
  }
}

function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const dotted = /^[^./]*\//.test(name) ? name.replaceAll(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : name;
  if (dotted.startsWith('net.')) return 'net';
  return dotted === 'kernel.sem' || ['kernel.shm', 'kernel.msg', 'fs.mqueue.'].some((prefix) => dotted.startsWith(prefix)) ? 'ipc' : undefined;
}

function* validateSeccomp(profile: SeccompProfile | undefined, path: string): Iterable<FieldError> {
  if (profile === undefined) return;
  const { localhostProfile } = profile;
  const type: string = profile.type;
  if (type === '') yield required(`${path}.type`, 'type is required when seccompProfile is set');
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) yield invalidValue(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost');
  } else if (localhostProfile === undefined) yield required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
  else yield* staysInside(localhostProfile, `${path}.localhostProfile`);
}

/** The longest path, less its end. */
const longestProfile = 4095;

function* validateAppArmor(profile: AppArmorProfile | undefined, path: string): Iterable<FieldError> {
  if (profile === undefined) return;
  const { localhostProfile } = profile;
  const type: string = profile.type;
  const at = `${path}.localhostProfile`;
  if (type === 'Localhost') {
    if (localhostProfile === undefined) return yield required(at, 'must be set when AppArmor type is Localhost');
    if (localhostProfile.trim() !== localhostProfile) yield invalidValue(at, localhostProfile, 'must not be padded with whitespace');
    else if (localhostProfile === '') yield required(at, 'must be set when AppArmor type is Localhost');
    if (byteLength(localhostProfile) > longestProfile) yield tooLong(at, longestProfile);
  } else if (type === '') yield required(`${path}.type`, 'type is required when appArmorProfile is set');
  else if ((type === 'RuntimeDefault' || type === 'Unconfined') && localhostProfile !== undefined) yield invalidValue(at, localhostProfile, 'can only be set when AppArmor type is Localhost');
}

/** KiB of a credential's text. */
const longestCredential = 64;

function* validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string): Iterable<FieldError> {
  if (options === undefined) return;
  const { gmsaCredentialSpec: credential, gmsaCredentialSpecName: name, runAsUserName: user } = options;
  if (name !== undefined) for (const message of dns1123Subdomain(name)) yield invalidValue(`${path}.gmsaCredentialSpecName`, name, message);
  if (credential === '') yield invalidValue(`${path}.gmsaCredentialSpec`, credential, 'gmsaCredentialSpec cannot be an empty string');
  else if (credential !== undefined && byteLength(credential) > longestCredential * 1024) {
    yield invalidValue(`${path}.gmsaCredentialSpec`, credential, `gmsaCredentialSpec size must be under ${longestCredential} KiB`);
  }
  if (user !== undefined) for (const message of windowsUser(user)) yield invalidValue(`${path}.runAsUserName`, user, `runAsUserName${message}`);
}

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const windowsDomain = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** What is wrong with `[DOMAIN\]USER`. */
function* windowsUser(name: string): Iterable<string> {
  if (name === '') return yield ' cannot be an empty string';
  if (/\p{Cc}/u.test(name)) return yield ' cannot contain control characters';
  const parts = name.split('\\');
  if (parts.length > 2) return yield ' cannot contain more than one backslash';
  const domain = parts.length === 2 ? parts[0] : undefined;
  const user = parts.at(-1) ?? '';
  if (domain !== undefined && byteLength(domain) >= 256) yield "'s Domain length must be under 256 characters";
  if (domain !== undefined && !netBios.test(domain) && !windowsDomain.test(domain)) yield "'s Domain doesn't match the NetBios nor the DNS format";
  if (user === '') yield "'s User cannot be empty";
  else if (byteLength(user) > 104) yield "'s User length must not be longer than 104 characters";
  if (/^[. ]+$/.test(user)) yield "'s User cannot contain only periods or spaces";
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) yield `'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`;
}
