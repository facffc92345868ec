/** The contract on a real containerd, which needs root, containerd and runc. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { buildBundledImages, demoImages, pauseImage } from '../images/bundled-images.ts';
import { purgeContainerd, startContainerd } from '../runtime/containerd.ts';
import { removeCgroup } from '../volumes/cgroups.ts';
import { criContract } from './cri.contract.ts';
import { connectRuntime } from './grpc.ts';

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['containerd', 'runc', 'ctr']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch {
      return `${program} is not installed`;
    }
  }
  return false;
}

criContract('containerd over gRPC', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-cri-'));
  const dependencies = { clock: systemClock, log: silentLog };
  const options = { rootDir: join(directory, 'root'), runDir: join(directory, 'run'), cniConfDir: join(directory, 'cni'), sandboxImage: pauseImage };
  const cgroupParent = `/skiff-contract-${process.pid}`;
  const keepAlive = setInterval(() => {}, 1000);
  const containerd = await startContainerd(options, dependencies);
  for (const image of await buildBundledImages(join(directory, 'images'))) await containerd.importImage(image.file);
  const connection = connectRuntime(containerd.endpoint, dependencies);
  return {
    ...connection, cgroupParent, image: demoImages[0], clock: systemClock, logDirectory: join(directory, 'logs'),
    pass: (ms) => systemClock.sleep(Math.min(ms, 20)),
    async close() {
      connection.close();
      await purgeContainerd(options, dependencies);
      await removeCgroup(cgroupParent);
      await rm(directory, { recursive: true, force: true });
      clearInterval(keepAlive);
    },
  };
}, reasonToSkip());
