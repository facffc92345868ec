import { applyRules, forgetUdpFlows, listTableNames, listUdpFlows } from './nft.ts';
import type { NftOptions, StaleFlow } from './nft.ts';
import type { Family } from './service-endpoints.ts';
import type { TableNames } from './table-names.ts';

/** Carries rules to where packets are. */
export interface RuleWriter {
  /** All or nothing; throws when refused. */
  apply(script: string): Promise<void>;
  /** What the tables of this name hold already. */
  list(tableName: string): Promise<readonly TableNames[]>;
  /** The translated UDP flows, as `conntrack` prints them; undefined when it cannot tell. */
  listUdpFlows(family: Family): Promise<string | undefined>;
  /** False when it cannot. */
  forgetUdpFlows(flows: readonly StaleFlow[]): Promise<boolean>;
}

/** Writes to the kernel of this machine. */
export function kernelWriter(options: NftOptions = {}): RuleWriter {
  return { apply: (script) => applyRules(script, options), list: (name) => listTableNames(name, options), listUdpFlows: (family) => listUdpFlows(family, options), forgetUdpFlows: (flows) => forgetUdpFlows(flows, options) };
}
