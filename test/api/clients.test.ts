/** What clients of other languages were found to rely on (docs/clients.md), where no other test has it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

interface StatusBody {
  readonly message: string;
  readonly reason: string;
  readonly code: number;
  readonly details?: { readonly kind: string; readonly causes: readonly { readonly field: string }[] };
}

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

describe('what clients rely on', () => {
  it('options of a log that make no sense are an invalid PodLogOptions', async () => {
    const asked = await api.request('GET', '/api/v1/namespaces/default/pods/p/log?limitBytes=0&tailLines=-1');
    const { code, reason, message, details } = asked.json<StatusBody>();
    assert.deepEqual([code, reason, details?.kind, details?.causes.map(({ field }) => field)], [422, 'Invalid', 'PodLogOptions', ['tailLines', 'limitBytes']]);
    assert.equal(message, 'PodLogOptions "p" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]');
    assert.equal((await api.request('GET', '/api/v1/namespaces/default/pods/p/log?tailLines=many')).code, 400);
  });
});
