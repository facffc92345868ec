/** Which few queues a flow chooses among. Source: Kubernetes documentation, "API Priority and Fairness" (shuffle sharding). */

/** `size` different numbers below `count` that follow from `hash`, as cards are dealt. */
export function hand(hash: bigint, count: number, size: number): number[] {
  const dealt: number[] = [];
  let rest = hash;
  for (let left = count; left > Math.max(0, count - size); left--) {
    let card = Number(rest % BigInt(left));
    rest /= BigInt(left);
    // Counts past the cards that are gone.
    for (const gone of dealt.toSorted((a, b) => a - b)) if (gone <= card) card++;
    dealt.push(card);
  }
  return dealt;
}

/** FNV-1a of 64 bits. */
export function hashOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return hash;
}
