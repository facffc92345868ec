import { fork } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { whyNoContainers, whyNoContainersNow } from '#cluster/container-support.ts';
import type { ClusterLayout } from '#cluster/layout.ts';
import { runningPid } from '#cluster/run-lock.ts';
import { readSettings } from '#cluster/settings.ts';
import { installPackages, missingPackages, nodeNeeds, nodeWishes, whyNoPackages } from '#cluster/set-up/debian-packages.ts';
import { layoutOf, nameFlag } from '../cluster-flags.ts';
import { UserError } from '../fail.ts';
import { Progress } from '../terminal.ts';
import type { UpOptions } from '../up.ts';
import type { StartMessage } from './steps.ts';
import { printMessage } from './steps.ts';
import { compileAhead } from './warm-up.ts';

/** `skiff up`: sets up, starts the cluster in a process of its own, waits until it is ready, and says how to go on. */
export async function startInBackground(options: UpOptions): Promise<void> {
  const layout = await layoutOf(options);
  const progress = new Progress();
  const pid = await runningPid(layout);
  if (pid === undefined) {
    // Where containers ran before they will again, or the log says why not.
    const runtime = options.runtime !== 'simulated' && existsSync(layout.containerdRootDir) ? 'containerd' : await chooseRuntime(options, progress);
    await compileAhead();
    await spawnCluster(options, runtime, layout);
  } else {
    progress.say(`The cluster "${layout.name}" runs already (process ${pid}).`);
    const { nodeCount = 1 } = (await readSettings(layout)) ?? {};
    if (options.nodes !== undefined && options.nodes > nodeCount) progress.say(`It has ${nodeCount} of ${options.nodes} nodes; a start with --nodes adds the others: stop it first with "skiff down${nameFlag(layout.name)}".`);
    if (options.kubeconfig !== undefined) await (await import('./join-kubeconfig.ts')).joinKubeconfig(options.kubeconfig, layout);
  }
  if (options.demo === true) await (await import('./demo.ts')).runDemo(layout, progress);
  else sayHowToGoOn(layout, options);
}

/** Installs what containers need; where they cannot run, says so in one sentence and takes the simulated runtime. */
async function chooseRuntime(options: UpOptions, progress: Progress): Promise<'containerd' | 'simulated'> {
  if (options.runtime === 'simulated') return 'simulated';
  let obstacle = await whyNoContainers();
  if (obstacle === undefined) {
    const missing = await missingPackages(nodeNeeds);
    const why = missing.length > 0 ? await whyNoPackages() : undefined;
    if (missing.length > 0 && why === undefined) {
      const packages = [...missing, ...(await missingPackages(nodeWishes))];
      await progress.step(`Debian packages ${packages.join(', ')}`, () => installPackages(packages)).catch((error: unknown) => {
        progress.say(error instanceof Error ? error.message : String(error));
      });
    }
    obstacle = await whyNoContainersNow();
  }
  if (obstacle === undefined) return 'containerd';
  if (options.runtime === 'containerd') throw new UserError(`containers cannot run here: ${obstacle}`);
  progress.say(`Containers cannot run here (${obstacle}), so pods are simulated: they become Ready, but run nothing.`);
  return 'simulated';
}

/** A nursery of 16 MiB times three, V8's habit, would never be given back; with 2 an idle cluster needs 14 MiB less. */
const leanV8 = ['--max-semi-space-size=2'];

/** Resolves when the cluster is ready; throws with the reason when it is not to be. */
async function spawnCluster(options: UpOptions, runtime: 'containerd' | 'simulated', layout: ClusterLayout): Promise<void> {
  mkdirSync(dirname(layout.logFile), { recursive: true });
  const output = openSync(layout.logFile, 'a');
  const child = fork(join(import.meta.dirname, 'daemon.ts'), [JSON.stringify(daemonOptions(options, runtime, layout))], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    cwd: '/',
    execArgv: [...process.execArgv, ...leanV8],
  });
  closeSync(output);
  const outcome = await new Promise<StartMessage>((settle) => {
    child.on('message', (message) => {
      const told = message as StartMessage;
      if (told.is === 'ready' || told.is === 'failed') settle(told);
      else printMessage(told);
    });
    child.once('error', (error) => settle({ is: 'failed', reason: error.message }));
    child.once('exit', (code, signal) => settle({ is: 'failed', reason: `the process ended at its start (${signal ?? `status ${code}`})` }));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (outcome.is !== 'failed') return;
  printMessage(outcome);
  throw new UserError(`the cluster "${layout.name}" could not be started: ${outcome.reason}\n${await endOfLog(layout)}`
    + `The whole log: ${layout.logFile}. Try again with "skiff up${nameFlag(layout.name)}"; "skiff down --purge${nameFlag(layout.name)}" starts from nothing.`);
}

/** What the process in the background is told: paths from /, because it does not stay in this directory. */
function daemonOptions(options: UpOptions, runtime: UpOptions['runtime'], layout: ClusterLayout): UpOptions {
  return {
    ...options, runtime, name: layout.name, stateDir: layout.stateDir,
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: resolve(options.kubeconfig) }),
  };
}

/** Warnings and errors among the last lines of the log, without what is for machines. */
async function endOfLog(layout: ClusterLayout): Promise<string> {
  const text = await readFile(layout.logFile, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').slice(-40).flatMap((line) => {
    try {
      const { level, msg, error } = JSON.parse(line) as { readonly level: string; readonly msg: string; readonly error?: { readonly message?: string } };
      return level === 'warn' || level === 'error' ? [`  ${level}: ${msg}${error?.message === undefined ? '' : `: ${error.message}`}`] : [];
    } catch {
      // What Node prints when it cannot go on is no JSON.
      return line.trim() === '' ? [] : [`  ${line}`];
    }
  });
  return lines.length === 0 ? '' : `${lines.slice(-8).join('\n')}\n`;
}

function sayHowToGoOn(layout: ClusterLayout, options: UpOptions): void {
  const kubeconfig = options.kubeconfig ?? layout.adminKubeconfig;
  process.stdout.write([
    `Kubeconfig: ${kubeconfig}`,
    `Next:  export KUBECONFIG=${kubeconfig}`,
    `       kubectl get nodes,pods -A`,
    '',
  ].join('\n'));
}
