/** The npm packages that Kubernetes' own words are read from. They are for development only: a product may be without. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import path from 'node:path';

const names = ['kubernetes-models', '@kubernetes-models/apimachinery', 'kubernetes-types', '@kubernetes/client-node'] as const;
export type TextPackage = (typeof names)[number];

interface Installed {
  readonly folder: string;
  readonly version: string;
}

let onceFound: ReadonlyMap<TextPackage, Installed> | undefined;

/** Where the package is; undefined when it is absent. Looked for once. */
export function folderOf(name: TextPackage): string | undefined {
  return found().get(name)?.folder;
}

/** Which words are served, '' for none; a document's address changes with it. */
export function descriptionsVersion(): string {
  return [...found().values()].map(({ version }) => version).join(' ');
}

function found(): ReadonlyMap<TextPackage, Installed> {
  return (onceFound ??= new Map(names.flatMap((name) => {
    const installed = look(name);
    return installed === undefined ? [] : [[name, installed]];
  })));
}

function look(name: TextPackage): Installed | undefined {
  try {
    const manifest = findPackageJSON(name, import.meta.url);
    if (manifest === undefined) return undefined;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
    return { folder: path.dirname(manifest), version };
  } catch {
    return undefined;
  }
}
