/** Services that admission asks: how webhooks know the API server, and the policy of images. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { userFor } from '#apiserver/webhooks/webhook-identity.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { startApiServer } from '../support/api-server.ts';
import { scratch } from '../support/spawned-api-server.ts';

it('a host\'s own user comes first, then those of ever wider names', () => {
  const users = ['hook.ns.svc', '*.svc', '*.ns.svc', '*', 'hook.ns.svc:8443'].map((name) => ({ name, user: {} }));
  assert.deepEqual(['hook.ns.svc', 'hook.ns.svc:8443', 'other.ns.svc', 'hook.other.svc', 'example.com'].map((host) => userFor(users, host)?.name), ['hook.ns.svc', 'hook.ns.svc:8443', '*.ns.svc', '*.svc', '*']);
  assert.equal(userFor([], 'a'), undefined);
});

it('validating webhooks are shown the certificate of their settings, mutating ones the token of theirs', { timeout: 60_000 }, async (t) => {
  const authority = createAuthority({ commonName: 'webhooks', clock: systemClock, validDays: 1 });
  const pair = issueCertificate(authority, { commonName: 'hook', ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
  const own = issueCertificate(authority, { commonName: 'the-api-server', usages: ['client'], clock: systemClock, validDays: 1 });
  const seen: (readonly [path: string | undefined, authorization: string | undefined, name: string])[] = [];
  const server = https.createServer({ cert: pair.certificatePem, key: pair.privateKeyPem, ca: authority.certificatePem, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    seen.push([request.url?.split('?', 1)[0], request.headers.authorization, String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? '')]);
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const review = JSON.parse(text) as { readonly apiVersion: string; readonly kind: string; readonly request: { readonly uid: string } };
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, allowed: true } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const directory = scratch();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kubeconfig = (file: string, user: object): string => {
    writeFileSync(join(directory, file), JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: `127.0.0.1:${port}`, user }] }));
    return join(directory, file);
  };
  const api = await startApiServer({
    admission: {
      configuration: new Map([
        ['MutatingAdmissionWebhook', { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration', kubeConfigFile: kubeconfig('mutating', { token: 'secret' }) }],
        ['ValidatingAdmissionWebhook', { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration', kubeConfigFile: kubeconfig('validating', { 'client-certificate-data': base64(own.certificatePem), 'client-key-data': base64(own.privateKeyPem) }) }],
      ]),
    },
  });
  t.after(async () => {
    await api.close();
    server.closeAllConnections();
    server.close();
  });
  for (const type of ['mutating', 'validating']) {
    const webhook = { name: `${type}.example.com`, clientConfig: { url: `https://127.0.0.1:${port}/${type}`, caBundle: base64(authority.certificatePem) }, rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], sideEffects: 'None', admissionReviewVersions: ['v1'] };
    assert.equal((await api.request('POST', `/apis/admissionregistration.k8s.io/v1/${type}webhookconfigurations`, { body: { metadata: { name: type }, webhooks: [webhook] } })).code, 201);
  }
  const created = await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'a' } } });
  assert.equal(created.code, 201, created.text);
  assert.deepEqual(seen, [['/mutating', 'Bearer secret', ''], ['/validating', undefined, 'the-api-server']]);
});

it('ImagePolicyWebhook asks a service about images, once, and goes by what its settings say when nobody answers', { timeout: 60_000 }, async (t) => {
  const asked: { readonly spec: { readonly containers: readonly { readonly image: string }[]; readonly namespace: string; readonly annotations?: object } }[] = [];
  const service = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const review = JSON.parse(text) as (typeof asked)[number];
      asked.push(review);
      const isBad = review.spec.containers.some(({ image }) => image.startsWith('evil/'));
      response.end(JSON.stringify({ ...review, status: isBad ? { allowed: false, reason: 'not from here' } : { allowed: true } }));
    });
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const kubeconfig = join(scratch(), 'images');
  writeFileSync(kubeconfig, JSON.stringify({ clusters: [{ name: 'a', cluster: { server: `http://127.0.0.1:${(service.address() as AddressInfo).port}/` } }], users: [], contexts: [{ name: 'a', context: { cluster: 'a', user: '' } }], 'current-context': 'a' }));
  const api = await startApiServer({ admission: { enabled: ['ImagePolicyWebhook'], configuration: new Map([['ImagePolicyWebhook', { imagePolicy: { kubeConfigFile: kubeconfig, allowTTL: 50, denyTTL: 50, retryBackoff: 1, defaultAllow: true } }]]) } });
  t.after(() => api.close());
  const create = (image: string): ReturnType<typeof api.request> => api.request('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { generateName: 'p-', annotations: { 'my.image-policy.k8s.io/ticket': '1', other: 'x' } }, spec: { containers: [{ name: 'c', image }] } } });
  assert.equal((await create('good/x')).code, 201);
  assert.equal((await create('good/x')).code, 201);
  assert.match((await create('evil/x')).text, /image policy webhook backend denied one or more images: not from here/);
  assert.deepEqual(asked.map(({ spec }) => spec), [{ containers: [{ image: 'good/x' }], annotations: { 'my.image-policy.k8s.io/ticket': '1' }, namespace: 'default' }, { containers: [{ image: 'evil/x' }], annotations: { 'my.image-policy.k8s.io/ticket': '1' }, namespace: 'default' }]);
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
  assert.equal((await create('unknown/x')).code, 201, 'the settings let pass what nobody forbids');
});
