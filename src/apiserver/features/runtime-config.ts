/** Parts of the API that are on or off. Source: --runtime-config of kube-apiserver. */
import type { ResourceKind } from '#apimachinery/resource.ts';
import { FeatureGateError } from './feature-gates.ts';

type Served = Pick<ResourceKind, 'group' | 'version' | 'plural'>;

/** Which versions a wildcard means. */
const wildcards: Readonly<Record<string, (version: string) => boolean>> = {
  'api/all': () => true,
  'api/ga': (version) => /^v\d+$/.test(version),
  'api/beta': (version) => version.includes('beta'),
  'api/alpha': (version) => version.includes('alpha'),
};

/**
 * Which kinds are served, as `group/version=false`, `group/version/resource=true` and the like say. The narrower counts.
 * Throws a `FeatureGateError` for what is unknown and for what is asked for and not built.
 */
export function servedKinds(settings: readonly string[], kinds: readonly Served[]): (kind: Served) => boolean {
  const wide = new Map<string, boolean>();
  const narrow = new Map<string, boolean>();
  for (const setting of settings) {
    const [key, isOn] = parse(setting);
    if (wildcards[key] !== undefined) {
      wide.set(key, isOn);
      continue;
    }
    const name = key.startsWith('api/v') ? key.slice('api/'.length) : key;
    const isKnown = kinds.some((kind) => namesOf(kind).includes(name));
    if (!isKnown && isOn) throw new FeatureGateError(`--runtime-config: ${key} is not built`);
    if (!isKnown && !looksLikeApi(name)) throw new FeatureGateError(`--runtime-config: unknown api groups ${key}`);
    narrow.set(name, isOn);
  }
  return (kind) => {
    const [ofVersion = '', ofResource = ''] = namesOf(kind);
    const named = narrow.get(ofResource) ?? narrow.get(ofVersion);
    if (named !== undefined) return named;
    for (const key of ['api/alpha', 'api/beta', 'api/ga', 'api/all']) {
      const isOn = wide.get(key);
      if (isOn !== undefined && wildcards[key]?.(kind.version) === true) return isOn;
    }
    return true;
  };
}

/** `apps/v1` and `apps/v1/deployments`; of the core group `v1` and `v1/pods`. */
function namesOf({ group, version, plural }: Served): readonly string[] {
  const ofVersion = group === '' ? version : `${group}/${version}`;
  return [ofVersion, `${ofVersion}/${plural}`];
}

/** Switching off what there is not is no mistake, as long as it could be an API. */
function looksLikeApi(name: string): boolean {
  return /^(?:[a-z0-9.-]+\/)?v\d+(?:(?:alpha|beta)\d+)?(?:\/[a-z]+)?$/.test(name);
}

function parse(text: string): readonly [key: string, isOn: boolean] {
  const at = text.indexOf('=');
  const [key, value] = at < 0 ? [text.trim(), 'true'] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (value === '' || value === 'true' || value === '1') return [key, true];
  if (value === 'false' || value === '0') return [key, false];
  throw new FeatureGateError(`invalid value of ${key}: ${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}
