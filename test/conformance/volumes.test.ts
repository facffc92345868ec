/** What containers see in their volumes: real containers on this machine. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import type { Volume as VolumeObject } from '#api/core/volume.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { Workspace } from './cluster.ts';
import { isReady } from './cluster.ts';
import type { Container, Script } from './real-node.ts';
import { machineTests, noContainers, startRealNode } from './real-node.ts';
import { shared } from '../support/shared.ts';

type Volume = Given<VolumeObject>;
type Mount = NonNullable<Container['volumeMounts']>[number];

const skip = noContainers();
const node = shared(startRealNode, skip);

const onMachine = machineTests(node);

/** A look into a container starts a process there. */
const execEveryMs = 200;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const data = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' };
const configMap = (w: Workspace, name = 'map', content: Record<string, string> = data): Promise<ConfigMap> => w.client.create(ConfigMap, { metadata: w.key(name), data: content });
const secret = (w: Workspace, name = 'secret', content: Record<string, string> = data): Promise<Secret> =>
  w.client.create(Secret, { metadata: w.key(name), data: Object.fromEntries(Object.entries(content).map(([key, text]) => [key, base64(text)])) });
const mounted = (volumes: readonly Volume[], script: string, more: Script = {}): Script => ({
  ...more, script,
  container: { ...more.container, volumeMounts: [...(more.container?.volumeMounts ?? []), ...volumes.map((each): Mount => ({ name: each.name ?? '', mountPath: `/${each.name ?? ''}` }))] },
  spec: { ...more.spec, volumes: [...(more.spec?.volumes ?? []), ...volumes] },
});
/** Content and mode of a file. */
const show = (file: string): string => `cat ${file}; echo; stat -L -c 'mode %a' ${file}`;
const asUser = (fsGroup?: number): Pick<Script, 'spec'> => ({ spec: { securityContext: { runAsUser: 1000, ...(fsGroup !== undefined && { fsGroup }) } } });

interface Source {
  readonly make: (w: Workspace, name?: string, content?: Record<string, string>) => Promise<unknown>;
  readonly volume: (name: string, of: string, more?: { readonly items?: readonly object[]; readonly defaultMode?: number; readonly optional?: boolean }) => Volume;
  readonly change: (w: Workspace, name: string, content: Record<string, string | null>) => Promise<unknown>;
}
const plainMap: Source = {
  make: configMap, volume: (name, of, more) => ({ name, configMap: { name: of, ...more } }),
  change: (w, name, content) => w.client.patch(ConfigMap, w.key(name), { type: 'merge', patch: { data: content } }),
};
const plainSecret: Source = {
  make: secret, volume: (name, of, more) => ({ name, secret: { secretName: of, ...more } }),
  change: (w, name, content) => w.client.patch(Secret, w.key(name), { type: 'merge', patch: { data: Object.fromEntries(Object.entries(content).map(([key, text]) => [key, text === null ? null : base64(text)])) } }),
};
const projected = (kind: 'configMap' | 'secret', { make, change }: Source): Source => ({
  make, change, volume: (name, of, { defaultMode, ...more } = {}) => ({ name, projected: { ...(defaultMode !== undefined && { defaultMode }), sources: [{ [kind]: { name: of, ...more } }] } }),
});
const projectedMap = projected('configMap', plainMap);
const projectedSecret = projected('secret', plainSecret);

async function sees(w: Workspace, { make, volume }: Source, { more = {}, script = {}, file = 'data-1', wanted = 'value-1\nmode 644\n' }: { readonly more?: Parameters<Source['volume']>[2]; readonly script?: Script; readonly file?: string; readonly wanted?: string }): Promise<void> {
  await make(w, 'source');
  assert.equal(await node().outputOf(w, mounted([volume('vol', 'source', more)], show(`/vol/${file}`), script)), wanted);
}
const mapped = [{ key: 'data-2', path: 'path/to/data-2' }];
const mappedMode = [{ key: 'data-2', path: 'path/to/data-2', mode: 0o400 }];

async function inTwoVolumes(w: Workspace, { make, volume }: Source): Promise<void> {
  await make(w, 'source');
  assert.equal(await node().outputOf(w, mounted([volume('one', 'source'), volume('two', 'source')], 'cat /one/data-1 /two/data-1')), 'value-1value-1');
}
async function follows(w: Workspace, { make, volume, change }: Source): Promise<void> {
  await make(w, 'source');
  await w.client.create(Pod, node().pod(w, 'p', mounted([volume('vol', 'source')], 'sleep 3600')));
  await node().until(w, 'p', isReady);
  assert.equal(await node().exec(w, 'p', 'cat /vol/data-1'), 'value-1');
  await change(w, 'source', { 'data-1': 'value-2' });
  await w.eventually(async () => await node().exec(w, 'p', 'cat /vol/data-1') === 'value-2', execEveryMs);
}
/** One is changed, one deleted, one made only later. */
async function followsOptional(w: Workspace, source: Source): Promise<void> {
  const { make, volume, change } = source;
  await make(w, 'deleted', { 'data-1': 'value-1' });
  await make(w, 'updated', { 'data-1': 'value-1' });
  const volumes = ['deleted', 'updated', 'created'].map((name) => volume(name, name, { optional: true }));
  await w.client.create(Pod, node().pod(w, 'p', mounted(volumes, 'sleep 3600')));
  await node().until(w, 'p', isReady);
  assert.equal(await node().exec(w, 'p', 'cat /deleted/data-1 /updated/data-1; ls /created'), 'value-1value-1');
  await (source === plainMap || source === projectedMap ? w.client.delete(ConfigMap, w.key('deleted')) : w.client.delete(Secret, w.key('deleted')));
  await change(w, 'updated', { 'data-1': null, 'data-3': 'value-3' });
  await make(w, 'created', { 'data-1': 'value-1' });
  await w.eventually(async () => await node().exec(w, 'p', 'ls /deleted /updated | grep data; cat /updated/data-3 /created/data-1 2>/dev/null') === 'data-3\nvalue-3value-1', execEveryMs);
}

describe('conformance: volumes of ConfigMaps and Secrets', { skip, concurrency: false }, () => {
  for (const [title, source, kind] of [['ConfigMap', plainMap, 'ConfigMap'], ['Projected configMap', projectedMap, 'ConfigMap'], ['Secrets', plainSecret, 'Secret'], ['Projected secret', projectedSecret, 'Secret']] as const) {
    const name = (what: string): string => `[sig-storage] ${title} ${what}`;
    onMachine(name('should be consumable from pods in volume [NodeConformance] [Conformance]'), (w) => sees(w, source, {}));
    onMachine(name('should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]'), (w) => sees(w, source, { more: { defaultMode: 0o400 }, wanted: 'value-1\nmode 400\n' }));
    onMachine(name('should be consumable from pods in volume with mappings [NodeConformance] [Conformance]'), (w) => sees(w, source, { more: { items: mapped }, file: 'path/to/data-2', wanted: 'value-2\nmode 644\n' }));
    onMachine(name(`should be consumable from pods in volume with mappings and Item ${kind === 'Secret' ? 'Mode' : 'mode'} set [LinuxOnly] [NodeConformance] [Conformance]`), (w) => sees(w, source, { more: { items: mappedMode }, file: 'path/to/data-2', wanted: 'value-2\nmode 400\n' }));
    onMachine(name('optional updates should be reflected in volume [NodeConformance] [Conformance]'), (w) => followsOptional(w, source));
    if (kind === 'ConfigMap') {
      onMachine(name('should be consumable from pods in volume as non-root [NodeConformance] [Conformance]'), (w) => sees(w, source, { script: asUser() }));
      onMachine(name('should be consumable from pods in volume with mappings as non-root [NodeConformance] [Conformance]'), (w) => sees(w, source, { more: { items: mapped }, file: 'path/to/data-2', wanted: 'value-2\nmode 644\n', script: asUser() }));
      onMachine(name('should be consumable in multiple volumes in the same pod [NodeConformance] [Conformance]'), (w) => inTwoVolumes(w, source));
      onMachine(name('updates should be reflected in volume [NodeConformance] [Conformance]'), (w) => follows(w, source));
    } else {
      onMachine(name('should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance] [Conformance]'), (w) => sees(w, source, { more: { defaultMode: 0o440 }, wanted: 'value-1\nmode 440\n', script: asUser(1001) }));
      onMachine(name('should be consumable in multiple volumes in a pod [NodeConformance] [Conformance]'), (w) => inTwoVolumes(w, source));
    }
  }
  onMachine('[sig-storage] ConfigMap binary data should be reflected in volume [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(ConfigMap, { metadata: w.key('map'), data: { 'data-1': 'value-1' }, binaryData: { 'dump.bin': Buffer.from([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff]).toString('base64') } });
    assert.equal(await node().outputOf(w, mounted([plainMap.volume('vol', 'map')], 'cat /vol/data-1; echo; hexdump -ve \'1/1 "%02x "\' /vol/dump.bin 2>/dev/null || od -An -tx1 /vol/dump.bin')), 'value-1\nde ca fe ba d0 fe ff ');
  });
  onMachine('[sig-storage] Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Namespace, { metadata: { name: `${w.namespace}-other` } });
    await w.client.create(Secret, { metadata: { namespace: `${w.namespace}-other`, name: 'source' }, data: { 'data-1': base64('other') } });
    await sees(w, plainSecret, {});
    await w.client.delete(Namespace, { name: `${w.namespace}-other` });
  });
  onMachine('[sig-storage] EmptyDir wrapper volumes should not conflict [Conformance]', async (w) => {
    await configMap(w);
    await secret(w);
    assert.equal(await node().outputOf(w, mounted([plainSecret.volume('secret', 'secret'), plainMap.volume('map', 'map')], 'cat /secret/data-1 /map/data-2')), 'value-1value-2');
  });
  onMachine('[sig-storage] EmptyDir wrapper volumes should not cause race condition when used for configmaps [Serial] [Conformance]', async (w) => {
    const names = Array.from({ length: 50 }, (_, index) => `racey-${index}`);
    await Promise.all(names.map((each) => configMap(w, each, { data: each })));
    const pods = Array.from({ length: 5 }, (_, index) => `p${index}`);
    const what = mounted(names.map((each) => plainMap.volume(each, each)), 'cat /racey-*/data | wc -c');
    const sizes = await Promise.all(pods.map((each) => node().outputOf(w, what, each)));
    assert.deepEqual(new Set(sizes.map((each) => each.trim())), new Set([String(names.join('').length)]));
  });
});

describe('conformance: volumes of the downward API', { skip, concurrency: false }, () => {
  const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } };
  const amount = (path: string, resource: string): object => ({ path, resourceFieldRef: { containerName: 'c', resource } });
  for (const [title, volume] of [
    ['Downward API volume', (items: readonly object[], defaultMode?: number): Volume => ({ name: 'vol', downwardAPI: { items, ...(defaultMode !== undefined && { defaultMode }) } })],
    ['Projected downwardAPI', (items: readonly object[], defaultMode?: number): Volume => ({ name: 'vol', projected: { sources: [{ downwardAPI: { items } }], ...(defaultMode !== undefined && { defaultMode }) } })],
  ] as const) {
    const name = (what: string): string => `[sig-storage] ${title} should ${what}`;
    const podName = { path: 'podname', fieldRef: { fieldPath: 'metadata.name' } };
    onMachine(name('provide podname only [NodeConformance] [Conformance]'), async (w) => assert.equal(await node().outputOf(w, mounted([volume([podName])], 'cat /vol/podname')), 'p'));
    onMachine(name('set DefaultMode on files [LinuxOnly] [NodeConformance] [Conformance]'), async (w) => assert.equal(await node().outputOf(w, mounted([volume([podName], 0o400)], show('/vol/podname'))), 'p\nmode 400\n'));
    onMachine(name('set mode on item file [LinuxOnly] [NodeConformance] [Conformance]'), async (w) => assert.equal(await node().outputOf(w, mounted([volume([{ ...podName, mode: 0o400 }])], show('/vol/podname'))), 'p\nmode 400\n'));
    for (const [what, resource, wanted] of [['container\'s cpu limit', 'limits.cpu', '2'], ['container\'s memory limit', 'limits.memory', '67108864'], ['container\'s cpu request', 'requests.cpu', '1'], ['container\'s memory request', 'requests.memory', '33554432']] as const) {
      onMachine(name(`provide ${what} [NodeConformance] [Conformance]`), async (w) => assert.equal(await node().outputOf(w, mounted([volume([amount('amount', resource)])], 'cat /vol/amount', { container: { resources } })), wanted));
    }
    for (const resource of ['cpu', 'memory']) {
      onMachine(name(`provide node allocatable (${resource}) as default ${resource} limit if the limit is not set [NodeConformance] [Conformance]`), async (w) =>
        assert.match(await node().outputOf(w, mounted([volume([amount('amount', `limits.${resource}`)])], 'cat /vol/amount')), resource === 'cpu' ? /^[1-9]\d*$/ : /^\d{8,}$/));
    }
    for (const what of ['labels', 'annotations']) {
      onMachine(name(`update ${what} on modification [NodeConformance] [Conformance]`), async (w) => {
        await w.client.create(Pod, node().pod(w, 'p', mounted([volume([{ path: 'text', fieldRef: { fieldPath: `metadata.${what}` } }])], 'sleep 3600')));
        await node().until(w, 'p', isReady);
        await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { metadata: { [what]: { key3: 'value3' } } } });
        await w.eventually(async () => (await node().exec(w, 'p', 'cat /vol/text')).split('\n').includes('key3="value3"'), execEveryMs);
      });
    }
  }
  onMachine('[sig-storage] Projected combined should project all components that make up the projection API [Projection] [NodeConformance] [Conformance]', async (w) => {
    await configMap(w);
    await secret(w);
    const sources = [
      { secret: { name: 'secret', items: [{ key: 'data-1', path: 'secret-data' }] } }, { configMap: { name: 'map', items: [{ key: 'data-2', path: 'map-data' }] } },
      { downwardAPI: { items: [{ path: 'podname', fieldRef: { fieldPath: 'metadata.name' } }, amount('cpu-limit', 'limits.cpu'), amount('memory-request', 'requests.memory')] } },
    ];
    const script = 'for each in secret-data map-data podname cpu-limit memory-request; do cat /all/$each; echo; done';
    assert.equal(await node().outputOf(w, mounted([{ name: 'all', projected: { sources } }], script, { container: { resources } })), 'value-1\nvalue-2\np\n2\n33554432\n');
  });
});

describe('conformance: empty directories', { skip, concurrency: false }, () => {
  const empty = (medium: string): Volume => ({ name: 'vol', emptyDir: medium === 'tmpfs' ? { medium: 'Memory' } : {} });
  const kind = 'grep -q " /vol tmpfs " /proc/mounts && echo tmpfs || echo other';
  for (const medium of ['default', 'tmpfs']) {
    for (const user of ['root', 'non-root']) {
      for (const mode of ['0644', '0666', '0777']) {
        onMachine(`[sig-storage] EmptyDir volumes should support (${user},${mode},${medium}) [LinuxOnly] [NodeConformance] [Conformance]`, async (w) => {
          const script = `${kind}; umask 0; printf content > /vol/file && chmod ${mode} /vol/file && ${show('/vol/file')}`;
          const output = await node().outputOf(w, mounted([empty(medium)], script, user === 'root' ? {} : { spec: { securityContext: { runAsUser: 1001 } } }));
          assert.match(output, new RegExp(`^${medium === 'tmpfs' ? 'tmpfs' : '(other|tmpfs)'}\ncontent\nmode ${Number(mode)}\n$`));
        });
      }
    }
    onMachine(`[sig-storage] EmptyDir volumes volume on ${medium === 'tmpfs' ? 'tmpfs' : 'default medium'} should have the correct mode [LinuxOnly] [NodeConformance] [Conformance]`, async (w) => {
      assert.match(await node().outputOf(w, mounted([empty(medium)], `${kind}; stat -c %a /vol`)), medium === 'tmpfs' ? /^tmpfs\n1?777\n$/ : /\n777\n$/);
    });
  }
  onMachine('[sig-storage] EmptyDir volumes pod should support shared volumes between containers [Conformance]', async (w) => {
    const volumeMounts = [{ name: 'vol', mountPath: '/vol' }];
    const what = mounted([empty('default')], 'until test -f /vol/share.txt; do sleep 0.1; done; cat /vol/share.txt');
    const sub = { name: 'sub', image: node().pod(w, 'x', {}).spec?.containers?.[0]?.image, command: ['sh', '-c', 'printf hello > /vol/share.tmp; mv /vol/share.tmp /vol/share.txt'], volumeMounts } as const;
    assert.equal(await node().outputOf(w, { ...what, spec: { ...what.spec, containers: [sub] } }), 'hello');
  });
});

describe('conformance: parts of volumes', { skip, concurrency: false }, () => {
  const at = (subPath: string, mountPath = '/probe'): Script => ({ container: { volumeMounts: [{ name: 'vol', mountPath, subPath }] } });
  const reads = async (w: Workspace, volume: Volume, subPath: string, wanted: string, mountPath = '/probe'): Promise<void> => {
    const { container, spec } = at(subPath, mountPath);
    assert.equal(await node().outputOf(w, { container: { ...container }, spec: { ...spec, volumes: [volume] }, script: `cat ${mountPath}` }), wanted);
  };
  const name = (what: string): string => `[sig-storage] Subpath Atomic writer volumes should support subpaths with ${what} [Conformance]`;
  onMachine(name('configmap pod'), async (w) => {
    await configMap(w);
    await reads(w, plainMap.volume('vol', 'map'), 'data-1', 'value-1');
  });
  onMachine(name('configmap pod with mountPath of existing file'), async (w) => {
    await configMap(w);
    await reads(w, plainMap.volume('vol', 'map'), 'data-1', 'value-1', '/etc/resolv.conf.test');
    await w.client.delete(Pod, w.key('p'), { gracePeriodSeconds: 0 });
    await w.untilGone(Pod, 'p');
    await reads(w, plainMap.volume('vol', 'map'), 'data-2', 'value-2', '/etc/hosts');
  });
  onMachine(name('secret pod'), async (w) => {
    await secret(w);
    await reads(w, plainSecret.volume('vol', 'secret'), 'data-1', 'value-1');
  });
  onMachine(name('downward pod'), (w) => reads(w, { name: 'vol', downwardAPI: { items: [{ path: 'downward/podname', fieldRef: { fieldPath: 'metadata.name' } }] } }, 'downward/podname', 'p'));
  onMachine(name('projected pod'), async (w) => {
    await configMap(w);
    await reads(w, projectedMap.volume('vol', 'map'), 'data-1', 'value-1');
  });
});
