import { Command, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { kubernetesVersion } from '#apiserver/documents/version.ts';

/** `skiff version`. */
export function command(): Command {
  return new Command().description('Print the versions of Skiff, of the Kubernetes API it serves, and of Node.')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(({ output }: { readonly output: 'text' | 'json' }) => {
      const versions = { skiff: skiffVersion(), kubernetes: kubernetesVersion, node: process.version };
      process.stdout.write(output === 'json'
        ? `${JSON.stringify(versions, null, 2)}\n`
        : `skiff ${versions.skiff}\nkubernetes ${versions.kubernetes}\nnode ${versions.node}\n`);
    });
}

/** Skiff's own version, from package.json. */
export function skiffVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return manifest.version;
}
