/** Features that are on or off. Source: Kubernetes documentation, "Feature Gates"; error texts as kube-apiserver's. */
import { gaugeText } from '../metrics/series.ts';
import { knownGates } from './known-gates.ts';

/** What was asked for that cannot be; for whoever starts the server. */
export class FeatureGateError extends Error {
  override readonly name = 'FeatureGateError';
}

type Stage = 'ALPHA' | 'BETA' | '' | 'DEPRECATED';
const stages: Readonly<Record<string, Stage>> = { A: 'ALPHA', B: 'BETA', G: '', D: 'DEPRECATED' };
/** What this server can have on or off. */
const switchable = new Set(['APIResponseCompression', 'MutatingAdmissionPolicy', 'PodTopologyLabelsAdmission', 'StorageVersionHash', 'WatchList']);
const groups: Readonly<Record<string, Stage>> = { AllAlpha: 'ALPHA', AllBeta: 'BETA' };

interface Gate {
  readonly stage: Stage;
  /** Where nobody sets it. */
  readonly isOn: boolean;
  readonly isLocked: boolean;
  readonly isElsewhere: boolean;
}

const gates: ReadonlyMap<string, Gate> = new Map(Object.entries(knownGates).map(([name, text]) => [name, {
  stage: stages[text[0] ?? ''] ?? '', isOn: text[1] === '1' && !text.includes('m'), isLocked: text.includes('L'), isElsewhere: text.includes('n'),
}]));

export interface FeatureGates {
  isOn(name: string): boolean;
  /** Metric kubernetes_feature_enabled. */
  metricsText(): string;
}

/**
 * The gates as `--feature-gates` sets them (`Name=true`). Throws a `FeatureGateError` for unknown and locked ones, and for
 * what this server cannot be.
 */
export function featureGates(settings: readonly string[]): FeatureGates {
  const given = new Map(settings.map(parse));
  const chosen = new Map([...gates].map(([name, { isOn }]) => [name, isOn]));
  for (const [group, stage] of Object.entries(groups)) if (given.has(group)) setAll(chosen, stage, given.get(group) === true, group);
  for (const [name, isOn] of given) {
    if (name in groups) continue;
    const gate = gates.get(name);
    if (gate === undefined) throw new FeatureGateError(`unrecognized feature gate: ${name}`);
    if (gate.isLocked && isOn !== gate.isOn) throw new FeatureGateError(`cannot set feature gate ${name} to ${isOn}, feature is locked to ${gate.isOn}`);
    if (isOn !== gate.isOn && !gate.isElsewhere && !switchable.has(name)) {
      throw new FeatureGateError(`cannot set feature gate ${name} to ${isOn}: ${isOn ? 'what it switches on is not built' : 'what it switches off is always on here'}`);
    }
    chosen.set(name, isOn);
  }
  return {
    isOn: (name) => chosen.get(name) === true,
    metricsText: () => gaugeText('kubernetes_feature_enabled', 'This metric records the data about the stage and enablement of a k8s feature.', [...chosen].map(([name, isOn]) => [{ name, stage: gates.get(name)?.stage ?? '' }, isOn ? 1 : 0])),
  };
}

/** A whole stage on or off reaches what can be switched; asking for everything that is not built asks for too much. */
function setAll(chosen: Map<string, boolean>, stage: Stage, isOn: boolean, group: string): void {
  for (const [name, gate] of gates) {
    if (gate.stage !== stage || gate.isLocked || gate.isOn === isOn) continue;
    if (!gate.isElsewhere && !switchable.has(name)) throw new FeatureGateError(`cannot set feature gate ${group} to ${isOn}: ${isOn ? `${name}, for one, is not built` : `${name}, for one, is always on here`}`);
    chosen.set(name, isOn);
  }
}

function parse(text: string): readonly [name: string, isOn: boolean] {
  const at = text.indexOf('=');
  if (at < 0) throw new FeatureGateError(`missing bool value for ${text}`);
  const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (['true', 'True', 'TRUE', 't', 'T', '1'].includes(value)) return [name, true];
  if (['false', 'False', 'FALSE', 'f', 'F', '0'].includes(value)) return [name, false];
  throw new FeatureGateError(`invalid value of ${name}=${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}
