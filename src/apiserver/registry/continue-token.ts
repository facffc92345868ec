import { badRequest } from '#apimachinery/status-error.ts';

/** Where the next page of a list starts, and at which revision it is read. Opaque to clients. */
export interface ContinueToken {
  /** 0: the newest state. */
  readonly revision: number;
  /** The store key to start from. */
  readonly from: string;
}

export function encodeContinueToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.from })).toString('base64url');
}

/** Throws a 400 for what this server did not make. */
export function decodeContinueToken(text: string): ContinueToken {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as { v?: unknown; rv?: unknown; start?: unknown };
    if (parsed.v === 'meta.k8s.io/v1' && typeof parsed.rv === 'number' && typeof parsed.start === 'string') {
      return { revision: parsed.rv, from: parsed.start };
    }
  } catch {
    // Told below, like every other token that is not ours.
  }
  throw badRequest('continue key is not valid: illegal base64 data or wrong content');
}
