import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { requestInfo } from './request-info.ts';

const cases: readonly (readonly [method: string, target: string, expected: string])[] = [
  ['GET', '/api/v1/namespaces/default/pods', 'list ///v1/pods in default'],
  ['GET', '/api/v1/pods?watch', 'watch ///v1/pods'],
  ['GET', '/api/v1/namespaces/default/pods/web-0', 'get ///v1/pods web-0 in default'],
  ['GET', '/api/v1/namespaces/default/pods/web-0?watch', 'watch ///v1/pods web-0 in default'],
  ['GET', '/api/v1/watch/namespaces/default/pods', 'watch ///v1/pods in default'],
  ['GET', '/api/v1/namespaces/default/pods/web-0/log', 'get ///v1/pods/log web-0 in default'],
  ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create /apps/v1/deployments in a'],
  ['PUT', '/apis/apps/v1/namespaces/a/deployments/web/scale', 'update /apps/v1/deployments/scale web in a'],
  ['PATCH', '/api/v1/nodes/n1/status', 'patch ///v1/nodes/status n1'],
  ['DELETE', '/api/v1/namespaces/a/secrets', 'deletecollection ///v1/secrets in a'],
  ['DELETE', '/api/v1/namespaces/a', 'delete ///v1/namespaces a in a'],
  ['GET', '/api/v1/namespaces', 'list ///v1/namespaces'],
  ['PUT', '/api/v1/namespaces/a/finalize', 'update ///v1/namespaces/finalize a in a'],
  ['GET', '/api/v1/namespaces/a/status', 'get ///v1/namespaces/status a in a'],
];

for (const [method, target, expected] of cases) {
  test(`${method} ${target} is to ${expected}`, () => {
    const [path = '', query] = target.split('?');
    const { isResource, verb, group, version, resource, subresource, name, namespace } = requestInfo(method, path, query === 'watch');
    assert.equal(isResource, true);
    const what = `${resource}${subresource === '' ? '' : `/${subresource}`}`;
    assert.equal(`${verb} ${group === '' ? '//' : `/${group}`}/${version}/${what}${name === '' ? '' : ` ${name}`}${namespace === '' ? '' : ` in ${namespace}`}`, expected);
  });
}

test('other paths name no resource', () => {
  for (const path of ['/', '/version', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/openapi/v3', '/healthz']) {
    assert.deepEqual([requestInfo('GET', path, false).isResource, requestInfo('GET', path, false).verb], [false, 'get'], path);
  }
});

test('no path is too strange to be read', () => {
  fc.assert(fc.property(fc.constantFrom('GET', 'POST', 'PROPFIND'), fc.array(fc.oneof(fc.string(), fc.constantFrom('api', 'v1', 'namespaces', 'watch', '%', '..'))), fc.boolean(), (method, parts, watch) => {
    requestInfo(method, `/${parts.join('/')}`, watch);
  }));
});
