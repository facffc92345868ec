/** Programs of this repository in containers: the machine's own Node, lent by paths of the host, so that no image has to hold it. */
import { execFileSync } from 'node:child_process';
import { basename, dirname } from 'node:path';
import type { Pod } from '#api/core/pod.ts';
import type { Given } from '#apimachinery/resource.ts';
import { netexecImage } from './network-image.ts';

type Spec = NonNullable<Given<Pod['spec']>>;
type Container = NonNullable<Spec['containers']>[number];

/** A pod's spec whose one container runs `file` of `folder`. It may import what comes with Node and what lies beside it. */
export function nodeProgram({ folder, file, args, image = netexecImage, volumes = [], mounts = [] }: {
  readonly folder: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Any: nothing of it is used. Default: that of the network tests. */
  readonly image?: string;
  readonly volumes?: NonNullable<Spec['volumes']>;
  readonly mounts?: NonNullable<Container['volumeMounts']>;
}): Spec {
  // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)`, and the loader by its path alone.
  const text = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  const libraries = dirname(/=> (\S+libc\.so\S*)/.exec(text)?.[1] ?? '');
  const loader = basename(/^\s*(\S*ld-linux\S*)/m.exec(text)?.[1] ?? '');
  const lent = { node: dirname(process.execPath), libraries, program: folder };
  return {
    terminationGracePeriodSeconds: 0,
    containers: [{
      name: 'c', image, imagePullPolicy: 'Never',
      command: [`/lent/libraries/${loader}`, '--library-path', '/lent/libraries', `/lent/node/${basename(process.execPath)}`, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', `/lent/program/${file}`, ...args],
      volumeMounts: [...Object.keys(lent).map((name) => ({ name, mountPath: `/lent/${name}`, readOnly: true })), ...mounts],
    }],
    volumes: [...Object.entries(lent).map(([name, path]) => ({ name, hostPath: { path, type: 'Directory' as const } })), ...volumes],
  };
}
