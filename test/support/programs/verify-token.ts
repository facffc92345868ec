/**
 * Runs in a pod: verifies a token of its own with nothing but what the cluster says of its issuer. Prints what it found;
 * ends with 1 when anything is wrong. Arguments: the token's file and its audience.
 * Source: OpenID Connect Discovery 1.0; RFC 7515.
 */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import type { JsonWebKeyInput } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';
const [file = '', audience = ''] = process.argv.slice(2);
const token = readFileSync(file, 'utf8').trim();
const [head = '', claims = '', signature = ''] = token.split('.');
const header = decoded(head) as { readonly alg: string; readonly kid: string };
const { iss, aud, exp, nbf, sub } = decoded(claims) as { readonly iss: string; readonly aud: readonly string[]; readonly exp: number; readonly nbf: number; readonly sub: string };

const configuration = await ask(new URL('/.well-known/openid-configuration', iss), 'application/json') as {
  readonly issuer: string; readonly jwks_uri: string; readonly id_token_signing_alg_values_supported: readonly string[]; readonly response_types_supported: readonly string[]; readonly subject_types_supported: readonly string[];
};
assert.equal(configuration.issuer, iss);
assert.deepEqual([configuration.response_types_supported, configuration.subject_types_supported], [['id_token'], ['public']]);
assert.ok(configuration.id_token_signing_alg_values_supported.includes(header.alg), header.alg);
const { keys } = await ask(new URL(configuration.jwks_uri), 'application/jwk-set+json') as { readonly keys: readonly (JsonWebKeyInput['key'] & { readonly kid: string; readonly alg: string; readonly use: string })[] };
const key = keys.find(({ kid }) => kid === header.kid);
assert.ok(key !== undefined, `no key ${header.kid}`);
assert.deepEqual([key.alg, key.use, 'd' in key], [header.alg, 'sig', false]);
const signed = Buffer.from(`${head}.${claims}`);
const publicKey = createPublicKey({ key, format: 'jwk' });
const given = Buffer.from(signature, 'base64url');
assert.ok(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, given), 'the signature does not hold');
given.writeUInt8(given.readUInt8(9) ^ 1, 9);
assert.ok(!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, given), 'any signature holds');
const now = Date.now() / 1000;
assert.ok(nbf <= now + 1 && now < exp, 'it is not valid now');
assert.deepEqual(aud, [audience]);
console.log(`${sub} verified by ${iss}`);

function decoded(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

/** With the pod's own account, whose group may read these documents. */
async function ask(url: URL, contentType: string): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    https.get(url, { ca: readFileSync(`${account}/ca.crt`), headers: { authorization: `Bearer ${readFileSync(`${account}/token`, 'utf8')}` } }, resolve).on('error', reject);
  });
  const text = Buffer.concat(await response.toArray() as Buffer[]).toString();
  assert.equal(response.statusCode, 200, `${url.href}: ${text}`);
  assert.equal(response.headers['content-type'], contentType, url.href);
  return JSON.parse(text);
}
