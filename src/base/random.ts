/** Chance as components see it; nobody calls `Math.random` or `crypto.randomUUID` for names, jitter or ids. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

/** The platform's generator. */
export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => crypto.randomUUID(),
};

/** The same sequence for the same seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (digits: number): string => {
    let text = '';
    for (let index = 0; index < digits; index++) text += Math.floor(next() * 16).toString(16);
    return text;
  };
  return {
    next,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[Math.floor(next() * 4)] ?? '8'}${hex(3)}-${hex(12)}`,
  };
}

/** Characters of generated names: no vowels and no look-alikes, as Kubernetes' generated names have them. */
const nameCharacters = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters fit for the end of an object's name. */
export function randomSuffix(random: Random, length = 5): string {
  let text = '';
  for (let index = 0; index < length; index++) {
    text += nameCharacters[Math.floor(random.next() * nameCharacters.length)] ?? 'b';
  }
  return text;
}
