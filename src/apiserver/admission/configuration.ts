/** Settings of plugins from files. Source: API reference, apiserver.config.k8s.io/v1 AdmissionConfiguration. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject } from '#apimachinery/json.ts';
import { AdmissionSettingsError, checkPluginNames } from './settings.ts';

const versions = ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1', 'apiserver.k8s.io/v1'];

/**
 * What the file says to each plugin: a document of its own, in place or in a file beside it. Throws an
 * `AdmissionSettingsError` that names the file and the field.
 */
export function readAdmissionConfiguration(file: string): ReadonlyMap<string, unknown> {
  const document = readYaml(file);
  const fail = (path: string, why: string): never => {
    throw new AdmissionSettingsError(`--admission-control-config-file: ${file}: ${path}: ${why}`);
  };
  if (!isJsonObject(document)) return fail('(root)', 'this is no AdmissionConfiguration');
  if (document['kind'] !== 'AdmissionConfiguration') return fail('kind', `Unsupported value: ${JSON.stringify(document['kind'] ?? '')}: supported values: "AdmissionConfiguration"`);
  if (!versions.some((each) => each === document['apiVersion'])) return fail('apiVersion', `Unsupported value: ${JSON.stringify(document['apiVersion'] ?? '')}: supported values: ${versions.map((each) => JSON.stringify(each)).join(', ')}`);
  const plugins = document['plugins'] ?? [];
  if (!Array.isArray(plugins)) return fail('plugins', 'this is no list');
  const found = new Map<string, unknown>();
  for (const [index, plugin] of plugins.entries()) {
    if (!isJsonObject(plugin) || typeof plugin['name'] !== 'string' || plugin['name'] === '') return fail(`plugins[${index}].name`, 'Required value');
    const { name, path, configuration } = plugin;
    try {
      checkPluginNames({ disabled: [name] });
    } catch {
      return fail(`plugins[${index}].name`, `Invalid value: ${JSON.stringify(name)}: there is no such plugin`);
    }
    if (typeof path === 'string' && path !== '') found.set(name, readYaml(resolve(dirname(file), path)));
    else if (configuration !== undefined && configuration !== null) found.set(name, configuration);
  }
  return found;
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new AdmissionSettingsError(`--admission-control-config-file: ${file} cannot be read`, { cause: error });
  }
}

/** Reads one plugin's settings, with errors that name the field. Pure. */
export class SettingsReader {
  readonly #plugin: string;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  fail(path: string, why: string): never {
    throw new AdmissionSettingsError(`settings of admission plugin ${this.#plugin}: ${path}: ${why}`);
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (value === undefined || value === null) return {};
    return isJsonObject(value) ? value : this.fail(path, 'this is no object');
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? value : this.fail(path, 'this is no list');
  }

  strings(value: unknown, path: string): readonly string[] {
    return this.list(value, path).map((each, index) => (typeof each === 'string' ? each : this.fail(`${path}[${index}]`, 'this is no text')));
  }

  text(value: unknown, path: string, initial = ''): string {
    if (value === undefined || value === null) return initial;
    return typeof value === 'string' ? value : this.fail(path, 'this is no text');
  }

  /** A positive whole number. */
  count(value: unknown, path: string, initial?: number): number {
    if ((value === undefined || value === null) && initial !== undefined) return initial;
    return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : this.fail(path, `Invalid value: ${JSON.stringify(value ?? 0)}: must be positive`);
  }

  /** Every field that is not known is an error. */
  known(value: Readonly<Record<string, unknown>>, path: string, names: readonly string[]): void {
    const unknown = Object.keys(value).find((name) => !names.includes(name));
    if (unknown !== undefined) this.fail(path === '' ? unknown : `${path}.${unknown}`, 'unknown field');
  }
}
