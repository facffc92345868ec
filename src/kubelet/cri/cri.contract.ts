/** What every implementation of the runtime contract must do; called by the tests of each. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Clock } from '#base/clock.ts';
import { isCriError } from './cri.ts';
import type { ImageService, RuntimeService } from './cri.ts';
import type { ContainerStatus, PodSandboxConfig } from './records.ts';

export interface ContractSubject {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  /** An image that is present or can be pulled, with a shell. */
  readonly image: string;
  readonly clock: Clock;
  /** Lets time go by where it does not by itself. */
  readonly pass: (ms: number) => Promise<void>;
  readonly logDirectory: string;
  /** Under which control group sandboxes run. */
  readonly cgroupParent: string;
  close(): Promise<void>;
}

const runs = 'while :; do sleep 1; done';
const ignoresTerm = `trap '' TERM; ${runs}`;

/** `skip` says why the suite cannot run here. */
export function criContract(name: string, open: () => Promise<ContractSubject>, skip: string | false = false): void {
  describe(`${name} keeps the runtime contract`, { skip }, () => {
    let subject: ContractSubject;
    let pods = 0;
    before(async () => {
      subject = await open();
      if ((await subject.images.imageStatus({ image: subject.image })) === undefined) await subject.images.pullImage({ image: subject.image });
    });
    after(() => subject.close());

    const podConfig = (): PodSandboxConfig => ({
      metadata: { name: `pod-${++pods}`, namespace: 'contract', uid: `uid-${pods}`, attempt: 0 },
      logDirectory: `${subject.logDirectory}/pod-${pods}`,
      labels: { pod: `pod-${pods}` }, annotations: { note: 'kept' },
      linux: { cgroupParent: subject.cgroupParent, securityContext: { namespaceOptions: { network: 'NODE', pid: 'CONTAINER' } } },
    });
    const start = async (config: PodSandboxConfig, sandbox: string, script: string, attempt = 0): Promise<string> => {
      const id = await subject.runtime.createContainer({
        podSandboxId: sandbox, sandboxConfig: config,
        config: {
          metadata: { name: 'main', attempt }, image: { image: subject.image }, command: ['/bin/sh', '-c', script], logPath: `main-${attempt}.log`,
          labels: { container: 'main' }, annotations: { hash: 'abc' }, linux: { securityContext: { namespaceOptions: { pid: 'CONTAINER', network: 'NODE' } } },
        },
      });
      await subject.runtime.startContainer(id);
      return id;
    };
    const ended = async (id: string): Promise<ContainerStatus> => {
      for (let tries = 0; tries < 500; tries++) {
        const status = await subject.runtime.containerStatus(id);
        if (status.state === 'CONTAINER_EXITED') return status;
        await subject.pass(10);
      }
      throw new Error('the container does not end');
    };
    const withPod = async (body: (config: PodSandboxConfig, sandbox: string) => Promise<void>): Promise<void> => {
      const config = podConfig();
      const sandbox = await subject.runtime.runPodSandbox(config);
      try {
        await body(config, sandbox);
      } finally {
        await subject.runtime.stopPodSandbox(sandbox);
        await subject.runtime.removePodSandbox(sandbox);
      }
    };

    test('it says what it is and that it is ready', async () => {
      assert.match((await subject.runtime.version()).runtimeName, /./);
      assert.ok((await subject.runtime.status()).conditions.some((condition) => condition.type === 'RuntimeReady' && condition.status));
    });

    test('a sandbox is listed with the metadata, labels and annotations it was made with', () =>
      withPod(async (config, sandbox) => {
        const [listed] = await subject.runtime.listPodSandbox({ labelSelector: config.labels ?? {} });
        assert.equal(listed?.id, sandbox);
        assert.deepEqual(listed?.metadata, config.metadata);
        assert.equal(listed?.annotations['note'], 'kept');
        assert.equal((await subject.runtime.podSandboxStatus(sandbox)).state, 'SANDBOX_READY');
      }));

    test('a container runs, is found by its sandbox, and stops on TERM', () =>
      withPod(async (config, sandbox) => {
        const id = await start(config, sandbox, `trap 'exit 7' TERM; ${runs}`);
        const [listed] = await subject.runtime.listContainers({ podSandboxId: sandbox });
        assert.equal(listed?.id, id);
        assert.equal(listed?.state, 'CONTAINER_RUNNING');
        assert.equal(listed?.labels['container'], 'main');
        const stopping = subject.runtime.stopContainer(id, 20);
        await subject.pass(2000);
        await stopping;
        const status = await subject.runtime.containerStatus(id);
        assert.equal(status.state, 'CONTAINER_EXITED');
        assert.ok(status.finishedAt >= status.startedAt && status.startedAt >= status.createdAt);
        assert.equal(status.annotations['hash'], 'abc');
      }));

    test('what ignores TERM is killed when its time is over', () =>
      withPod(async (config, sandbox) => {
        const id = await start(config, sandbox, ignoresTerm);
        const stopping = subject.runtime.stopContainer(id, 1);
        await subject.pass(1500);
        await stopping;
        assert.equal((await subject.runtime.containerStatus(id)).exitCode, 137);
      }));

    test('the exit code tells how a container ended', () =>
      withPod(async (config, sandbox) => {
        assert.deepEqual([(await ended(await start(config, sandbox, 'exit 3'))).exitCode, (await ended(await start(config, sandbox, 'exit 0', 1))).reason], [3, 'Completed']);
      }));

    test('a command in a running container answers output and exit code', () =>
      withPod(async (config, sandbox) => {
        const id = await start(config, sandbox, runs);
        const result = await subject.runtime.execSync(id, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 4'], 10);
        assert.deepEqual([String(Buffer.from(result.stdout)), String(Buffer.from(result.stderr)), result.exitCode], ['out\n', 'err\n', 4]);
        let text = '';
        const code = await subject.runtime.exec({ containerId: id, command: ['/bin/sh', '-c', 'echo out; echo err >&2; exit 4'] }, { stdout: (chunk) => void (text += String(Buffer.from(chunk))), stderr: () => {} });
        assert.deepEqual([text, code], ['out\n', 4]);
      }));

    test('stopping and removing again, or what never was, is success; asking for it is not', async () => {
      await subject.runtime.stopPodSandbox('never');
      await subject.runtime.removePodSandbox('never');
      await subject.runtime.removeContainer('never');
      await assert.rejects(subject.runtime.containerStatus('never'), (error) => isCriError(error, 'notFound'));
      await assert.rejects(subject.runtime.podSandboxStatus('never'), (error) => isCriError(error, 'notFound'));
    });

    test('a stopped sandbox is not ready, and its containers have ended', () =>
      withPod(async (config, sandbox) => {
        const id = await start(config, sandbox, ignoresTerm);
        await subject.runtime.stopPodSandbox(sandbox);
        assert.equal((await subject.runtime.podSandboxStatus(sandbox)).state, 'SANDBOX_NOTREADY');
        assert.equal((await subject.runtime.containerStatus(id)).state, 'CONTAINER_EXITED');
      }));

    test('images are found by name, and one that is not there is undefined', async () => {
      assert.ok(await subject.images.imageStatus({ image: subject.image }));
      assert.equal(await subject.images.imageStatus({ image: 'skiff.dev/none:1' }), undefined);
    });
  });
}
