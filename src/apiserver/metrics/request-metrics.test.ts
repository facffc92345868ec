import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import type { ApiCall } from '../request/api-call.ts';
import { requestInfo } from '../request/request-info.ts';
import { RequestMetrics } from './request-metrics.ts';

test('what a request has waited for others is not the server\'s own time', async () => {
  const clock = new SimulatedClock();
  const metrics = new RequestMetrics(clock);
  const notes = { outsideMs: 0, isTerminated: false, onSent: undefined };
  const call = { info: requestInfo('POST', '/api/v1/namespaces/default/pods', false), query: {}, contentType: '', notes } as unknown as ApiCall;
  const answering = metrics.measured(async () => {
    await clock.sleep(1000);
    notes.outsideMs += 960;
    return { is: 'json', code: 201, body: {} };
  })(call);
  await clock.advance(1000);
  await answering;
  const sum = (name: string): number => Number(new RegExp(`^${name}_sum\\{.*\\} (\\S+)$`, 'm').exec(metrics.text())?.[1]);
  assert.deepEqual([sum('apiserver_request_duration_seconds'), sum('apiserver_request_sli_duration_seconds')], [1, 0.04]);
});
