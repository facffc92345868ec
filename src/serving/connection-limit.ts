import { readFileSync } from 'node:fs';

/** Where a process cannot say how many files it may open. */
const usualDescriptors = 1024;
/** What is left for files, the store, and connections that this process opens itself. */
const serverPart = 3 / 4;
/** Beyond this memory is what ends first: an open connection takes about 75 KiB. */
const mostConnections = 32_768;

/**
 * How many connections a server of this process may have open at once: three quarters of the files that it may open
 * (`ulimit -n`), 32768 at most.
 */
export function connectionLimit(descriptors: number = descriptorLimit()): number {
  return Math.max(1, Math.min(mostConnections, Math.floor(descriptors * serverPart)));
}

/** How many files this process may open. */
export function descriptorLimit(): number {
  try {
    const [, soft = ''] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Infinity : Number(soft) || usualDescriptors;
  } catch {
    return usualDescriptors;
  }
}
