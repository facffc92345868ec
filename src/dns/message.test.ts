import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import type { Packet } from 'dns-packet';
import * as fc from 'fast-check';
import { answerLimit, encodeAnswer, encodeFailure, encodeQuestion, parseQuery, questionBytesOf, recordsIn } from './message.ts';
import type { DnsQuery } from './message.ts';
import type { DnsAnswer, DnsRecord } from './records.ts';
import { fitAnswer } from './relayed-answer.ts';
import { surveyResponse } from './wire-walk.ts';

const edns = (udpPayloadSize: number, ednsVersion = 0): NonNullable<Packet['additionals']>[number] => ({ type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion, flags: 0, flag_do: false, options: [] });

function queryOf(packet: Packet): DnsQuery {
  const parsed = parseQuery(dnsPacket.encode({ type: 'query', id: 7, flags: dnsPacket.RECURSION_DESIRED, ...packet }));
  assert.equal(parsed.kind, 'query');
  return parsed.kind === 'query' ? parsed.query : assert.fail();
}

const address = (name: string, data: string): DnsRecord => ({ name, type: 'A', ttl: 5, data });
const many = (name: string, count: number): DnsAnswer => ({
  rcode: 'NOERROR', authorities: [], additionals: [], isAuthoritative: true, answers: Array.from({ length: count }, (_, index) => address(name, `10.0.${index >> 8}.${index & 255}`)),
});

test('names are compared in lower case and answered as they were spelled', () => {
  const query = queryOf({ questions: [{ type: 'A', name: 'Hello.Default.svc.CLUSTER.local' }] });
  assert.equal(query.question.name, 'hello.default.svc.cluster.local');
  const reply = dnsPacket.decode(encodeAnswer(query, many(query.question.name, 1), 512));
  assert.deepEqual([reply.id, reply.flag_qr, reply.flag_aa, reply.flag_rd, reply.flag_ra], [7, true, true, true, true]);
  assert.equal(reply.questions?.[0]?.name, 'Hello.Default.svc.CLUSTER.local');
  assert.equal(reply.answers?.[0]?.name, 'Hello.Default.svc.CLUSTER.local');
});

test('what does not fit into a datagram is cut off and said to be', () => {
  const name = 'web.default.svc.cluster.local';
  for (const { additionals, limit } of [{ additionals: [], limit: 512 }, { additionals: [edns(4096)], limit: 1232 }, { additionals: [edns(100)], limit: 512 }]) {
    const query = queryOf({ questions: [{ type: 'A', name }], additionals });
    assert.equal(answerLimit(query, 'udp'), limit);
    const bytes = encodeAnswer(query, many(name, 300), limit);
    const reply = dnsPacket.decode(bytes);
    assert.ok(bytes.length <= limit && bytes.length > limit - 27, `${bytes.length} of ${limit}`);
    assert.equal(reply.flag_tc, true);
    assert.equal(reply.additionals?.length ?? 0, additionals.length);
    const whole = dnsPacket.decode(encodeAnswer(query, many(name, 300), answerLimit(query, 'tcp')));
    assert.deepEqual([whole.flag_tc, whole.answers?.length], [false, 300]);
  }
});

test('additional records are left out without a word', () => {
  const query = queryOf({ questions: [{ type: 'SRV', name: 'web.default.svc.cluster.local' }] });
  const reply = dnsPacket.decode(encodeAnswer(query, { ...many('x', 0), answers: [address('web.default.svc.cluster.local', '10.0.0.1')], additionals: many('a.web.default.svc.cluster.local', 100).answers }, 512));
  assert.equal(reply.flag_tc, false);
  assert.ok((reply.additionals?.length ?? 0) > 10);
});

test('any records come out as they went in', () => {
  const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
  const record: fc.Arbitrary<DnsRecord> = fc.oneof(
    fc.record({ name, type: fc.constant('A' as const), ttl: fc.nat(), data: fc.ipV4() }),
    fc.record({ name, type: fc.constantFrom('CNAME' as const, 'PTR' as const, 'NS' as const), ttl: fc.nat(), data: name }),
    fc.record({ name, type: fc.constant('SRV' as const), ttl: fc.nat(), data: fc.record({ priority: fc.nat(100), weight: fc.nat(100), port: fc.nat(65_535), target: name }) }),
  );
  fc.assert(fc.property(name, fc.array(record, { maxLength: 20 }), (asked, answers) => {
    const query = queryOf({ questions: [{ type: 'A', name: asked }] });
    const bytes = encodeAnswer(query, { rcode: 'NOERROR', answers, authorities: [], additionals: [], isAuthoritative: false }, 65_535);
    assert.deepEqual(recordsIn(bytes).map(({ name: owner, type, ttl, data }) => ({ name: owner, type, ttl, data })), JSON.parse(JSON.stringify(answers)));
  }));
});

test('any bytes at all are a question, a mistake or nothing', () => {
  const header = fc.uint8Array({ minLength: 0, maxLength: 80 });
  const nearly = fc.tuple(fc.constantFrom([0, 1], [0, 2], [1, 1]), fc.uint8Array({ maxLength: 80 })).map(([[answers = 0, questions = 0], rest]) => Uint8Array.from([0, 7, 1, 0, 0, questions, 0, answers, 0, 0, 0, 1, ...rest]));
  fc.assert(fc.property(fc.oneof(header, nearly), (bytes) => {
    const parsed = parseQuery(Buffer.from(bytes));
    if (parsed.kind === 'failure') assert.equal(dnsPacket.decode(parsed.reply).flag_qr, true);
    if (parsed.kind === 'query') assert.equal(surveyResponse(encodeFailure(parsed.query, 'SERVFAIL'))?.rcode, 2);
    surveyResponse(Buffer.from(bytes));
    recordsIn(Buffer.from(bytes));
  }), { numRuns: 2000 });
});

test('answers are not answered, other operations are not known, two questions are one too many', () => {
  const packet = (options: Packet): Buffer => dnsPacket.encode({ id: 7, questions: [{ type: 'A', name: 'a' }], ...options });
  assert.equal(parseQuery(packet({ type: 'response' })).kind, 'drop');
  assert.deepEqual(failureOf(packet({ type: 'query', flags: 2 << 11 })), 'NOTIMP');
  assert.deepEqual(failureOf(packet({ type: 'query', questions: [{ type: 'A', name: 'a' }, { type: 'A', name: 'b' }] })), 'FORMERR');
  assert.deepEqual(failureOf(packet({ type: 'query', additionals: [edns(512), edns(512)] })), 'FORMERR');
  assert.deepEqual(failureOf(packet({ type: 'query', questions: [] })), 'FORMERR');
});

function failureOf(bytes: Buffer): string {
  const parsed = parseQuery(bytes);
  return parsed.kind === 'failure' ? parsed.rcode : parsed.kind;
}

test('a version of EDNS that nobody has is refused in its own words', () => {
  const query = queryOf({ questions: [{ type: 'A', name: 'a' }], additionals: [edns(1232, 1)] });
  const reply = dnsPacket.decode(encodeFailure(query, 'BADVERS'));
  const [opt] = reply.additionals ?? [];
  assert.equal(opt?.type === 'OPT' ? opt.extendedRcode : undefined, 1);
});

test('an answer of others is fitted to whoever asks', () => {
  const asked = dnsPacket.decode(encodeQuestion({ id: 9, questionBytes: questionBytesOf({ name: 'example.com', type: 'A' }), wantsDnssec: true, isCheckingDisabled: false }));
  assert.deepEqual([asked.flag_rd, asked.questions?.[0]?.name, asked.additionals?.[0]?.type], [true, 'example.com', 'OPT']);
  const bytes = dnsPacket.encode({ type: 'response', id: 9, flags: dnsPacket.RECURSION_AVAILABLE, questions: [{ type: 'A', name: 'example.com' }], answers: [{ type: 'A', name: 'example.com', ttl: 60, data: '192.0.2.1' }, { type: 'A', name: 'example.com', ttl: 20, data: '192.0.2.2' }], additionals: [edns(1232)] });
  const survey = surveyResponse(bytes);
  if (survey === undefined) assert.fail();
  assert.deepEqual([survey.ttl, survey.answerCount, survey.hasOpt], [20, 2, true]);
  const plain = dnsPacket.decode(fitAnswer({ bytes, survey }, queryOf({ questions: [{ type: 'A', name: 'eXample.com' }] }), { ageSeconds: 15, limitBytes: 512 }));
  assert.deepEqual([plain.id, plain.flag_rd, plain.questions?.[0]?.name, plain.additionals?.length], [7, true, 'eXample.com', 0]);
  assert.deepEqual(plain.answers?.map((answer) => ('ttl' in answer ? answer.ttl : undefined)), [45, 5]);
  const modern = dnsPacket.decode(fitAnswer({ bytes, survey }, queryOf({ questions: [{ type: 'A', name: 'example.com' }], additionals: [edns(1232)] }), { ageSeconds: 0, limitBytes: 1232 }));
  assert.deepEqual([modern.answers?.length, modern.additionals?.length], [2, 1]);
  const short = dnsPacket.decode(fitAnswer({ bytes, survey }, queryOf({ questions: [{ type: 'A', name: 'example.com' }] }), { ageSeconds: 0, limitBytes: 40 }));
  assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0]);
});

test('what is not there may be remembered for as long as the SOA says', () => {
  const soa = { type: 'SOA' as const, name: 'com', ttl: 900, data: { mname: 'a.com', rname: 'b.com', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 12 } };
  const bytes = dnsPacket.encode({ type: 'response', questions: [{ type: 'A', name: 'gone.com' }], authorities: [soa], flags: 3 });
  assert.deepEqual([surveyResponse(bytes)?.ttl, surveyResponse(bytes)?.rcode], [12, 3]);
});
