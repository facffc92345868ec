/** Readers and writers that few clients ask for: they are loaded with the first body in such a form, and take 3 MiB. */
import { createRequire } from 'node:module';
import type * as Cbor from '#apimachinery/cbor.ts';
import type * as Yaml from 'yaml';

const require = createRequire(import.meta.url);

export function yaml(): typeof Yaml {
  return require('yaml') as typeof Yaml;
}

export function cbor(): typeof Cbor {
  return require('#apimachinery/cbor.ts') as typeof Cbor;
}
