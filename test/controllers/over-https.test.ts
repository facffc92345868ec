/** The same controllers, but in another process as it were: all they have is an address and a certificate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock as clock } from '#base/clock.ts';
import { silentLog as log } from '#base/log.ts';
import { systemRandom as random } from '#base/random.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { Lease } from '#api/coordination/lease.ts';
import { Pod } from '#api/core/pod.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { openMemoryStore } from '#store/memory.ts';
import { controllersFor } from '#controllers/index.ts';

test('controllers work over HTTPS, as the elected leader', async () => {
  const authority = createAuthority({ commonName: 'kubernetes', clock, validDays: 1 });
  const serving = issueCertificate(authority, { commonName: 'kube-apiserver', ipAddresses: ['127.0.0.1'], usages: ['server'], clock, validDays: 1 });
  const admin = issueCertificate(authority, { commonName: 'admin', organizations: ['system:masters'], usages: ['client'], clock, validDays: 1 });
  const apiServer = await createApiServer({ store: openMemoryStore({ clock, random }), clock, random, log, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
  const { port } = await apiServer.listen({ host: '127.0.0.1', port: 0, serving, clientCaPem: authority.certificatePem });
  const transport = createHttpsTransport({
    server: `https://127.0.0.1:${port}`,
    ca: { pem: authority.certificatePem },
    certificate: { pem: admin.certificatePem },
    key: { pem: admin.privateKeyPem },
  });
  const client = createClient(transport);
  const informers = createSharedInformers({ client, clock, random, log });
  const controllers = runControllers(
    { client, informers, clock, random, log, recorderFor: (component, options) => createEventRecorder({ client, clock, log }, component, options) },
    controllersFor({ rootCaPem: 'ca' }),
    { leaderElection: { name: 'kube-controller-manager', namespace: 'kube-system', identity: 'me' } },
  );
  await controllers.ready;
  await client.create(Deployment, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 20, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  });
  const count = async () => (await client.list(Pod, { namespace: 'default' })).items.length;
  while ((await count()) < 20) await nextTurn();
  for (let turn = 0; turn < 20; turn++) assert.equal(await count(), 20);
  assert.equal((await client.get(Lease, { namespace: 'kube-system', name: 'kube-controller-manager' })).spec.holderIdentity, 'me');
  await controllers.close();
  assert.equal((await client.get(Lease, { namespace: 'kube-system', name: 'kube-controller-manager' })).spec.holderIdentity, '');
  await informers.close();
  await transport.close();
  await apiServer.close();
});
