/** How seats are divided. Pure. Source: KEP-1040 ("Dispatching", borrowing between priority levels). */
import type { PriorityLevelConfigurationSpec } from '#api/flowcontrol/priority-level-configuration.ts';

/** The part of all seats that a priority level may not be given without, may have, and has by configuration. */
export interface SeatLimits {
  readonly nominal: number;
  /** What is left when it has lent all it may. */
  readonly lower: number;
  /** What it has when it has borrowed all it may. */
  readonly upper: number;
  /** The most that one request is counted as. */
  readonly perRequest: number;
}

/** The widest request, whatever its level. */
const maxRequestSeats = 10;
/** No request takes more than this part of its level. */
const maxRequestPart = 0.15;

/** The limits of each level, by name, when `total` seats are divided by their shares. */
export function seatLimits(levels: ReadonlyMap<string, PriorityLevelConfigurationSpec>, total: number): ReadonlyMap<string, SeatLimits> {
  let shares = 0;
  for (const spec of levels.values()) shares += sharesOf(spec);
  return new Map([...levels].map(([name, spec]) => {
    const nominal = shares === 0 ? 0 : Math.ceil((total * sharesOf(spec)) / shares);
    const lendable = Math.round((nominal * (spec.limited?.lendablePercent ?? spec.exempt?.lendablePercent ?? 0)) / 100);
    const borrowing = spec.limited?.borrowingLimitPercent;
    const borrowable = borrowing === undefined ? total : Math.round((nominal * borrowing) / 100);
    const handSize = spec.limited?.limitResponse.queuing?.handSize;
    const perRequest = handSize === undefined ? maxRequestSeats : Math.max(1, Math.min(maxRequestSeats, Math.ceil(nominal * maxRequestPart), Math.floor(nominal / handSize)));
    return [name, { nominal, lower: nominal - lendable, upper: nominal + borrowable, perRequest }];
  }));
}

function sharesOf({ limited, exempt }: PriorityLevelConfigurationSpec): number {
  return limited?.nominalConcurrencyShares ?? exempt?.nominalConcurrencyShares ?? 0;
}

/** One that takes part in the division. `lower <= target`, `lower <= upper`. */
export interface Claimant {
  readonly target: number;
  readonly lower: number;
  readonly upper: number;
}

/** Targets below this count as this, so that everybody has one. */
const minTarget = 0.001;
const epsilon = 1e-7;

/**
 * Divides `total` so that everybody gets the same fraction of their target, but for those whose bounds forbid it.
 * Undefined when the bounds leave no division.
 */
export function divide(total: number, claimants: readonly Claimant[]): { readonly shares: readonly number[]; readonly fairFraction: number } | undefined {
  const bounded = claimants.map((each) => ({ ...each, target: Math.max(minTarget, each.target) }));
  const share = ({ target, lower, upper }: Claimant, fraction: number): number => Math.max(lower, Math.min(upper, fraction * target));
  const sumAt = (fraction: number): number => bounded.reduce((sum, each) => sum + share(each, fraction), 0);
  // Between two of these the sum grows evenly.
  const bends = [...new Set([0, ...bounded.flatMap(({ target, lower, upper }) => [lower / target, upper / target])])].toSorted((a, b) => a - b);
  if (sumAt(0) > total + epsilon || sumAt(bends.at(-1) ?? 0) < total - epsilon) return undefined;
  let fairFraction = 0;
  let below = sumAt(0);
  for (const bend of bends) {
    const sum = sumAt(bend);
    if (sum >= total - epsilon) {
      fairFraction = sum - below < epsilon ? bend : fairFraction + ((total - below) / (sum - below)) * (bend - fairFraction);
      break;
    }
    fairFraction = bend;
    below = sum;
  }
  return { shares: bounded.map((each) => share(each, fairFraction)), fairFraction };
}
