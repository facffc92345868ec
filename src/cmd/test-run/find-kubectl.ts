import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, isExecutable } from '#cluster/set-up/find-program.ts';
import { runProgram } from '#cluster/set-up/run-program.ts';

/** The oldest kubectl whose behaviour the tests count on: 1.32. */
const oldestMinor = 32;

/**
 * A kubectl that is new enough: the one on PATH, one fetched earlier, or Debian's package, unpacked into `directory`. The
 * machine's own packages and sources stay as they are. Throws when Debian's archive cannot be reached.
 */
export async function findKubectl(directory: string): Promise<string> {
  const onPath = await findProgram('kubectl');
  if (onPath !== undefined && (await isNewEnough(onPath))) return onPath;
  const fetched = join(directory, 'usr/bin/kubectl');
  if ((await isExecutable(fetched)) && (await isNewEnough(fetched))) return fetched;
  await fetchPackage(directory);
  if (!(await isNewEnough(fetched))) throw new Error('the kubectl of Debian\'s package does not run here');
  return fetched;
}

async function isNewEnough(kubectl: string): Promise<boolean> {
  const { code, output } = await runProgram(kubectl, ['version', '--client']);
  const minor = /v1\.(\d+)/.exec(output)?.[1];
  return code === 0 && minor !== undefined && Number(minor) >= oldestMinor;
}

/** Suites that have kubectl 1.32 or newer. The binary needs nothing of them but the C library. */
const suites = ['forky', 'sid'];

/**
 * With lists, cache and state of its own, and nothing installed: apt-get then needs no root either. A mirror that
 * lags behind will do; signatures are checked all the same.
 */
async function fetchPackage(directory: string): Promise<void> {
  const apt = join(directory, 'apt');
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(apt, 'lists/partial'), { recursive: true });
  await mkdir(join(apt, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  const said: string[] = [];
  for (const suite of suites) {
    await writeFile(join(apt, 'sources.list'), `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ${suite} main\n`);
    const settings = [
      `Dir::Etc::sourcelist=${apt}/sources.list`, 'Dir::Etc::sourceparts=-', `Dir::State::lists=${apt}/lists`, `Dir::State::status=${apt}/status`,
      `Dir::Cache=${apt}/cache`, 'Acquire::Languages=none', 'Acquire::Check-Valid-Until=false', 'APT::Sandbox::User=root', 'Acquire::Retries=3',
    ].flatMap((setting) => ['-o', setting]);
    const update = await runProgram('apt-get', [...settings, 'update']);
    const download = update.code === 0 ? await runProgram('apt-get', [...settings, 'download', 'kubectl'], { cwd: apt }) : update;
    if (download.code === 0) {
      const archive = (await readdir(apt)).find((name) => name.endsWith('.deb'));
      const unpack = await runProgram('dpkg-deb', ['--extract', archive ?? '', directory], { cwd: apt });
      if (unpack.code === 0) return rm(apt, { recursive: true, force: true });
      said.push(unpack.output);
    } else said.push(download.output);
  }
  throw new Error(`Debian's kubectl package cannot be fetched: ${said.map((output) => output.trim().split('\n').slice(-2).join(' ')).join('; ')}`);
}
