/** What is asked and answered, apart from its bytes. */

/** A question of class IN. */
export interface Question {
  /** In lower case, without the dot at the end; the root is empty. */
  readonly name: string;
  /** `A`, `SRV`, ...; those without a known name are `UNKNOWN_n`. */
  readonly type: string;
}

interface RecordOf<Type extends string, Data> {
  readonly name: string;
  readonly type: Type;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Data;
}

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  /** Seconds, as all that follow. */
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** For how long a name's absence may be remembered. */
  readonly minimum: number;
}

export type AddressRecord = RecordOf<'A' | 'AAAA', string>;
export type DnsRecord =
  | AddressRecord
  | RecordOf<'CNAME' | 'PTR' | 'NS', string>
  | RecordOf<'TXT', string>
  | RecordOf<'SRV', SrvData>
  | RecordOf<'SOA', SoaData>;

/** Source: RFC 1035 section 4.1.1, RFC 6891 section 9. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof rcodes;

/** The sections of an answer. */
export interface DnsAnswer {
  readonly rcode: Rcode;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** Whether we own the name. */
  readonly isAuthoritative: boolean;
}
