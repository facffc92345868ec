import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { AuditMetrics } from './audit-metrics.ts';
import type { AuditEvent } from './event.ts';
import { legacyLine } from './legacy-line.ts';
import { logSink } from './log-sink.ts';
import type { AuditLogSettings } from './settings.ts';
import { logBatch } from './settings.ts';

const event = (auditID: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID, stage: 'ResponseComplete', requestURI: '/version', verb: 'get', user: { username: 'anna', groups: ['a', 'b'] },
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z', stageTimestamp: '2026-01-01T00:00:00.000000Z', responseStatus: { metadata: {}, code: 200 }, ...more,
});
const settings = (path: string, more: Partial<AuditLogSettings> = {}): AuditLogSettings => ({ path, format: 'json', mode: 'blocking', batch: logBatch, maxAgeDays: 0, maxBackups: 0, maxBytes: 0, compresses: false, ...more });

test('a line for each event, written when the request goes on', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-audit-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'logs/audit.log');
  const sink = logSink(settings(path), { clock: systemClock, log: silentLog, metrics: new AuditMetrics() });
  await Promise.all([sink.take(event('1')), sink.take(event('2')), sink.take(event('3'))]);
  assert.deepEqual(readFileSync(path, 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as AuditEvent).auditID), ['1', '2', '3']);
  await sink.close();
});

test('a file that has grown too large is put aside; so many are kept', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-audit-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const clock = new SimulatedClock();
  const sink = logSink(settings(join(directory, 'audit.log'), { maxBytes: 400, maxBackups: 2 }), { clock, log: silentLog, metrics: new AuditMetrics() });
  for (let index = 0; index < 5; index++) {
    await sink.take(event(String(index)));
    await clock.advance(1000);
  }
  assert.deepEqual(readdirSync(directory).sort(), ['audit-2026-01-01T00-00-03.000.log', 'audit-2026-01-01T00-00-04.000.log', 'audit.log']);
  await sink.close();
});

test('events that are too large lose what was sent and answered', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-audit-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'audit.log');
  const sink = logSink(settings(path, { truncation: { maxEventBytes: 600, maxBatchBytes: 1000 } }), { clock: systemClock, log: silentLog, metrics: new AuditMetrics() });
  await sink.take(event('1', { requestObject: { data: 'x'.repeat(1000) } }));
  const { annotations, requestObject } = JSON.parse(readFileSync(path, 'utf8')) as AuditEvent;
  assert.deepEqual([annotations, requestObject], [{ 'audit.k8s.io/truncated': 'true' }, undefined]);
  assert.throws(() => sink.take(event('x'.repeat(1000))), /too large/);
  await sink.close();
});

test('the old format is a line of text', () => {
  assert.equal(
    legacyLine(event('1', { sourceIPs: ['10.0.0.1'], userAgent: 'kubectl' })),
    '2026-01-01T00:00:00.000000Z AUDIT: id="1" stage="ResponseComplete" ip="10.0.0.1" method="get" user="anna" groups="\\"a\\",\\"b\\"" as="<self>" asgroups="<lookup>" user-agent="kubectl" namespace="<none>" uri="/version" response="200"',
  );
});
