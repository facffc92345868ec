import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { loopbackServer } from './loopback.ts';
import { acceptPortForward } from './port-forward/accept.ts';
import { tunnelPortForward } from './port-forward/tunnel.ts';
import { acceptRemoteCommand } from './remote-command/accept.ts';
import { openRemoteCommand } from './remote-command/open.ts';
import { relayRemoteCommand } from './remote-command/relay.fixture.ts';
import { exitStatus, remoteCommandOptions } from './remote-command/streams.ts';
import type { RemoteCommandStreams } from './remote-command/streams.ts';
import { proxyUpgrade } from './upgrade/proxy-upgrade.ts';
import type { UpgradeRequest } from './upgrade/upgrade-request.ts';

/** The real client, against a server that knows one pod. */
const kubectl = process.env['KUBECTL'] ?? 'kubectl';
const missing = spawnSync(kubectl, ['version', '--client']).status === 0 ? false : `${kubectl} is not installed`;

const pod = {
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'demo', namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'none', ports: [{ containerPort: 80 }] }] }, status: { phase: 'Running' },
};
const discovery: Readonly<Record<string, unknown>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'v1',
    resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] }],
  },
  '/api/v1/namespaces/default/pods/demo': pod,
};

function answer(request: IncomingMessage, response: ServerResponse): void {
  const body = discovery[(request.url ?? '').split('?')[0] ?? ''];
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body ?? { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 }));
}

/** Runs the command of the query as a process here. */
async function run(streams: RemoteCommandStreams, command: readonly string[]): Promise<void> {
  const [program = 'true', ...rest] = command;
  if (program === 'sizes') {
    for await (const { width, height } of streams.resizes) {
      streams.stdout?.write(`${width}x${height}\r\n`);
      break;
    }
    return streams.writeStatus(exitStatus(0));
  }
  const child = spawn(program, rest, { stdio: [streams.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  if (child.stdin !== null) {
    child.stdin.on('error', () => {}); // the command need not read it all
    streams.stdin?.pipe(child.stdin);
  }
  if (streams.stdout !== undefined) child.stdout?.pipe(streams.stdout, { end: false });
  if (streams.stderr !== undefined) child.stderr?.pipe(streams.stderr, { end: false });
  const [code] = await once(child, 'close') as [number];
  return streams.writeStatus(exitStatus(code));
}

type Serve = (request: UpgradeRequest, url: URL) => Promise<unknown>;

/** As the kubelet does it; and as an API server does it before a kubelet: by relay, and by proxy. */
async function servers(t: TestContext): Promise<Record<'direct' | 'relayed' | 'proxied', string>> {
  const kubelet: Serve = async (request, url) => {
    if (url.pathname.endsWith('/portforward')) {
      return acceptPortForward(request, { clock: systemClock, onConnection: ({ port, readable, writable, finish }) => {
        if (port !== 80) return finish('connection refused');
        readable.once('data', (chunk: Buffer) => {
          writable.write(`port ${port} heard ${chunk.toString()}`);
          finish();
        });
      } });
    }
    const streams = await acceptRemoteCommand(request, remoteCommandOptions(url.searchParams), { clock: systemClock });
    return run(streams, url.searchParams.getAll('command'));
  };
  const direct = await loopbackServer(t, kubelet, answer);
  const backend = (url: URL): { url: URL } => ({ url: new URL(url.pathname + url.search, direct) });
  const relayed = await loopbackServer(t, async (request, url) => {
    if (url.pathname.endsWith('/portforward')) return tunnelPortForward(request, backend(url));
    const options = remoteCommandOptions(url.searchParams);
    const session = await openRemoteCommand(backend(url), options);
    return relayRemoteCommand(await acceptRemoteCommand(request, options, { clock: systemClock }), session);
  }, answer);
  const proxied = await loopbackServer(t, (request, url) => proxyUpgrade(request, { ...backend(url), method: 'GET' }), answer);
  return { direct, relayed, proxied };
}

interface Outcome { readonly code: number; readonly stdout: string; readonly stderr: string }

async function runKubectl(server: string, args: readonly string[], { webSocket, input = '' }: { webSocket: boolean; input?: string }): Promise<Outcome> {
  const child = startKubectl(server, args, { webSocket });
  child.stdin.on('error', () => {}); // kubectl may end before it has read all
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { code, stdout, stderr };
}

function startKubectl(server: string, args: readonly string[], { webSocket }: { webSocket: boolean }) {
  const choice = String(webSocket);
  return spawn(kubectl, ['--kubeconfig', '/dev/null', '--server', server, ...args], {
    env: { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: choice, KUBECTL_PORT_FORWARD_WEBSOCKETS: choice, HOME: '/nonexistent' },
  });
}

for (const webSocket of [true, false]) {
  const name = webSocket ? 'WebSocket' : 'SPDY';

  test(`kubectl over ${name}: output, input to its end, exit code`, { skip: missing }, async (t) => {
    for (const [way, server] of Object.entries(await servers(t))) {
      const plain = await runKubectl(server, ['exec', 'demo', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'], { webSocket });
      assert.equal(plain.stdout, 'out\n', way);
      assert.match(plain.stderr, /err\n(Error from server.*|command terminated with exit code 7)\n/, way);
      assert.equal(plain.code, 7, way);
      const input = 'line of input\n'.repeat(40_000);
      const echoed = await runKubectl(server, ['exec', '-i', 'demo', '--', 'cat'], { webSocket, input });
      assert.ok(echoed.stdout === input, `${way}: ${echoed.stdout.length} of ${input.length} bytes; ${echoed.stderr}`);
      assert.equal(echoed.code, 0, way);
      const early = await runKubectl(server, ['exec', '-i', 'demo', '--', 'true'], { webSocket, input });
      assert.equal(early.code, 0, way);
    }
  });

  test(`kubectl over ${name}: a terminal's size arrives`, { skip: missing || (spawnSync('script', ['--version']).status !== 0 && 'script(1) is not installed') }, async (t) => {
    for (const [way, server] of Object.entries(await servers(t))) {
      const command = `stty rows 41 cols 123; ${kubectl} --kubeconfig /dev/null --server ${server} exec -it demo -- sizes`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env: { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(webSocket), TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'inherit'],
      });
      assert.match(await text(child.stdout), /^123x41\r/m, way);
    }
  });

  test(`kubectl over ${name}: port-forward`, { skip: missing }, async (t) => {
    for (const server of Object.values(await servers(t))) {
      const child = startKubectl(server, ['port-forward', 'demo', ':80'], { webSocket });
      t.after(() => child.kill());
      const port = await portIn(child.stdout);
      for (const word of ['one', 'two']) {
        const socket = connect({ host: '127.0.0.1', port });
        socket.write(word);
        assert.equal(await text(socket), `port 80 heard ${word}`);
      }
      child.kill();
      await once(child, 'close');
    }
  });
}

/** From `Forwarding from 127.0.0.1:40123 -> 80`. */
async function portIn(output: Readable): Promise<number> {
  let read = '';
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    read += String(chunk);
    const port = /127\.0\.0\.1:(\d+) ->/.exec(read)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`kubectl said: ${read}`);
}
