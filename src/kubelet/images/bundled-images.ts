import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImageArchive } from './image-archive.ts';
import type { ImageFile } from './image-archive.ts';

/** The sandbox image every pod needs. */
export const pauseImage = 'registry.k8s.io/pause:3.10.1';

/** The demo's image, in two versions so that `kubectl set image` has something to roll. */
export const demoImages = ['skiff.dev/hello:1.0', 'skiff.dev/hello:2.0'] as const;

export interface BundledImage {
  readonly name: string;
  /** The archive, OCI layout and docker archive at once. */
  readonly file: string;
}

/**
 * Builds the images that come with Skiff into `directory` and answers where they are. `busybox` is a static busybox
 * (Debian's `busybox-static` puts it to /bin/busybox). Throws the file system's error when it is not there.
 */
export async function buildBundledImages(
  directory: string,
  options: { readonly busybox?: string; readonly architecture?: string } = {},
): Promise<readonly BundledImage[]> {
  const busybox = await readFile(options.busybox ?? '/bin/busybox');
  const architecture = options.architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch);
  await mkdir(directory, { recursive: true });
  const images: BundledImage[] = [];
  const add = async (name: string, archive: Buffer): Promise<void> => {
    const file = join(directory, `${name.replace(/[/:]/g, '_')}.tar`);
    await writeFile(`${file}.new`, archive);
    await rename(`${file}.new`, file);
    images.push({ name, file });
  };
  await add(pauseImage, await buildPauseImage(busybox, architecture));
  for (const name of demoImages) await add(name, await buildDemoImage(busybox, architecture, name));
  return images;
}

/**
 * Sleeps until told to stop. As process 1 of a pod's namespace it also reaps what others leave behind: the shell waits
 * for any child. A signal interrupts `wait`, so TERM ends it at once.
 */
const pauseScript = "trap 'kill $! 2>/dev/null; exit 0' TERM INT; while :; do sleep 86400 & wait $!; done";

export function buildPauseImage(busybox: Uint8Array, architecture: string): Promise<Buffer> {
  return buildImageArchive({
    names: [pauseImage],
    architecture,
    files: [{ path: 'bin/busybox', content: busybox, mode: 0o755 }, ...applets(['sh', 'sleep'])],
    entrypoint: ['/bin/sh', '-c', pauseScript],
    environment: { PATH: '/bin' },
    user: '65535:65535',
  });
}

const demoApplets = [
  'ash', 'awk', 'cat', 'chmod', 'cp', 'cut', 'date', 'dd', 'df', 'du', 'echo', 'env', 'false', 'find', 'free', 'grep', 'head',
  'hostname', 'httpd', 'id', 'ip', 'kill', 'ln', 'ls', 'mkdir', 'mount', 'mv', 'nc', 'netstat', 'nslookup', 'ping', 'printf', 'ps',
  'pwd', 'rm', 'sed', 'seq', 'sh', 'sleep', 'sort', 'stat', 'stty', 'tail', 'tar', 'tee', 'test', 'time', 'top', 'touch', 'tr', 'true',
  'tty', 'uname', 'uniq', 'vi', 'wc', 'wget', 'whoami', 'xargs', 'yes',
] as const;

/** Logs one line at the start; on TERM lets answers under way finish before it goes. */
const demoEntrypoint = `#!/bin/sh
port=\${PORT:-8080}
echo "hello \${VERSION} listens on port $port"
httpd -f -p "$port" -h /www &
server=$!
trap 'echo "hello stops"; kill $server; sleep 1; exit 0' TERM INT
while kill -0 $server 2>/dev/null; do wait $server; done
exit 1
`;

const demoPage = `#!/bin/sh
if [ -r "$MESSAGE_FILE" ]; then read -r message < "$MESSAGE_FILE"; else message=$MESSAGE; fi
printf 'Content-Type: text/plain; charset=utf-8\\r\\n\\r\\n'
printf '%s\\npod %s on node %s, version %s\\n' "\${message:-Hello from Skiff}" "\${POD_NAME:-$HOSTNAME}" "\${NODE_NAME:-unknown}" "$VERSION"
`;

export function buildDemoImage(busybox: Uint8Array, architecture: string, name: string): Promise<Buffer> {
  const version = name.slice(name.lastIndexOf(':') + 1);
  return buildImageArchive({
    names: [name],
    architecture,
    files: [
      { path: 'bin/busybox', content: busybox, mode: 0o755 },
      ...applets(demoApplets),
      { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' },
      { path: 'etc/group', content: 'root:x:0:\nnobody:x:65534:\n' },
      { path: 'hello', content: demoEntrypoint, mode: 0o755 },
      { path: 'root', isDirectory: true },
      { path: 'tmp', isDirectory: true, mode: 0o1777 },
      { path: 'www/healthz', content: 'ok\n' },
      { path: 'www/version', content: `${version}\n` },
      { path: 'www/cgi-bin/index.cgi', content: demoPage, mode: 0o755 },
    ],
    // No entrypoint: `kubectl run -it --image=skiff.dev/hello:1.0 x -- sh` gets its shell.
    command: ['/hello'],
    environment: { PATH: '/bin', VERSION: version, MESSAGE_FILE: '/etc/hello/message' },
    exposedPorts: ['8080/tcp'],
    labels: { 'org.opencontainers.image.title': 'hello', 'org.opencontainers.image.version': version },
  });
}

function applets(names: readonly string[]): readonly ImageFile[] {
  return names.map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' }));
}
