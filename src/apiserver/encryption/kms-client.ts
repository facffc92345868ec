import { Client, credentials } from '@grpc/grpc-js';
import type { Annotations } from './kms-messages.ts';
import { annotationFields, annotationsOf, bytesOf, decodeMessage, encodeMessage, textOf } from './kms-messages.ts';

/** A key that the plugin has encrypted. */
export interface WrappedKey {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Annotations;
}

/** A plugin that keeps keys. Source: KEP-3299, KMS v2. */
export interface KmsClient {
  /** Rejects when the plugin does not answer. */
  status(): Promise<{ readonly version: string; readonly healthz: string; readonly keyId: string }>;
  encrypt(plain: Uint8Array, uid: string): Promise<WrappedKey>;
  decrypt(key: WrappedKey, uid: string): Promise<Uint8Array>;
  close(): void;
}

/** `endpoint`: `unix:///path` or `unix://@name`. */
export function openKms({ endpoint, timeoutMs, nowMs }: { readonly endpoint: string; readonly timeoutMs: number; readonly nowMs: () => number }): KmsClient {
  const path = endpoint.replace(/^unix:(?:\/\/)?/, '');
  const client = new Client(path.startsWith('@') ? `unix-abstract:${path.slice(1)}` : `unix:${path}`, credentials.createInsecure());
  const call = (method: string, request: Buffer): Promise<Buffer> => new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/v2.KeyManagementService/${method}`, (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, request, { deadline: nowMs() + timeoutMs }, (error, answer) => {
      if (error !== null || answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    });
  });
  return {
    async status() {
      const fields = decodeMessage(await call('Status', encodeMessage([])));
      return { version: textOf(fields, 1), healthz: textOf(fields, 2), keyId: textOf(fields, 3) };
    },
    async encrypt(plain, uid) {
      const fields = decodeMessage(await call('Encrypt', encodeMessage([[1, plain], [2, uid]])));
      return { ciphertext: bytesOf(fields, 1), keyId: textOf(fields, 2), annotations: annotationsOf(fields, 3) };
    },
    async decrypt({ ciphertext, keyId, annotations }, uid) {
      return bytesOf(decodeMessage(await call('Decrypt', encodeMessage([[1, ciphertext], [2, uid], [3, keyId], ...annotationFields(4, annotations)]))), 1);
    },
    close: () => client.close(),
  };
}
