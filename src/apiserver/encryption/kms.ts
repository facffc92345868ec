/**
 * Keys from a plugin: a seed that it encrypts, from which every value gets a key of its own.
 * Source: KEP-3299; k8s.io/apiserver storage/value/encrypt/envelope/kmsv2, for the layout of bytes.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock, Timer } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { openGcm, sealGcm } from './aes.ts';
import type { KmsClient, WrappedKey } from './kms-client.ts';
import { annotationFields, annotationsOf, bytesOf, decodeMessage, encodeMessage, numberOf, textOf } from './kms-messages.ts';
import type { Provider } from './provider.ts';

const seedBytes = 32;
const infoBytes = 32;
/** What `encryptedDEKSourceType` says: a key, or a seed for keys. */
const sourceTypes = { key: 0, seed: 1 };
/** How often the plugin is asked whether its key is still the same. */
const statusMs = 60_000;
/** As many seeds are remembered as the plugin's key and the server have changed; bounded for those of a restored store. */
const maxRemembered = 1000;

interface State {
  readonly seed: Uint8Array;
  readonly wrapped: WrappedKey;
}

/** Resolves when the plugin has given a key; rejects with why it has not. */
export async function kmsProvider(
  name: string, client: KmsClient, { clock, random, log, signal }: { readonly clock: Clock; readonly random: Random; readonly log: Logger; readonly signal: AbortSignal },
): Promise<Provider> {
  const known = new Map<string, Uint8Array>();
  const remember = (wrapped: WrappedKey, secret: Uint8Array): void => {
    if (known.size >= maxRemembered) known.clear();
    known.set(idOf(wrapped), secret);
  };
  const renew = async (): Promise<State> => {
    const { version, healthz } = await client.status();
    if (version !== 'v2' && version !== 'v2beta1') throw new Error(`unsupported KMS API version ${JSON.stringify(version)}`);
    if (healthz !== 'ok') throw new Error(`the plugin is not well: ${healthz}`);
    const seed = randomBytes(seedBytes);
    const wrapped = await client.encrypt(seed, random.uuid());
    if (wrapped.keyId === '' || wrapped.ciphertext.length === 0) throw new Error('the plugin gave no key');
    remember(wrapped, seed);
    return { seed, wrapped };
  };

  let state = await renew();
  let trouble: string | undefined;
  let timer: Timer | undefined;
  const look = async (): Promise<void> => {
    try {
      const { healthz, keyId } = await client.status();
      if (keyId !== state.wrapped.keyId) state = await renew();
      trouble = healthz === 'ok' ? undefined : healthz;
    } catch (error) {
      trouble = (error as Error).message;
      log.error({ error, provider: name }, 'the KMS plugin did not answer');
    }
    if (!signal.aborted) timer = clock.after(statusMs, () => void look());
  };
  timer = clock.after(statusMs, () => void look());
  signal.addEventListener('abort', () => {
    timer?.cancel();
    client.close();
  }, { once: true });

  return {
    prefix: Buffer.from(`k8s:enc:kms:v2:${name}:`),
    trouble: () => trouble,
    encrypt(plain, context) {
      const { seed, wrapped } = state;
      const info = randomBytes(infoBytes);
      const data = Buffer.concat([info, sealGcm(derived(seed, info), plain, context)]);
      return encodeMessage([[1, data], [2, wrapped.keyId], [3, wrapped.ciphertext], ...annotationFields(4, wrapped.annotations), [5, sourceTypes.seed]]);
    },
    decrypt(stored, context) {
      const fields = decodeMessage(stored);
      const [data, type] = [bytesOf(fields, 1), numberOf(fields, 5)];
      const wrapped: WrappedKey = { keyId: textOf(fields, 2), ciphertext: bytesOf(fields, 3), annotations: annotationsOf(fields, 4) };
      const open = (secret: Uint8Array): Uint8Array => (type === sourceTypes.seed ? openGcm(derived(secret, data.subarray(0, infoBytes)), data.subarray(infoBytes), context) : openGcm(secret, data, context));
      const secret = known.get(idOf(wrapped));
      if (secret !== undefined) return open(secret);
      return client.decrypt(wrapped, random.uuid()).then(
        (plain) => {
          remember(wrapped, plain);
          return open(plain);
        },
        (error: unknown) => {
          throw new Error(`failed to decrypt DEK, error: ${(error as Error).message}`, { cause: error });
        },
      );
    },
  };
}

/** One step of HKDF's expansion, which is as long as the key. Source: RFC 5869. */
function derived(seed: Uint8Array, info: Uint8Array): Buffer {
  return createHmac('sha256', seed).update(info).update(Uint8Array.of(1)).digest();
}

function idOf({ keyId, ciphertext }: WrappedKey): string {
  return `${keyId} ${Buffer.from(ciphertext).toString('base64')}`;
}
