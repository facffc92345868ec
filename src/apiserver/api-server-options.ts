/** What an API server is made with, how it listens and how it stops. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import type { HealthCheck } from '#serving/health.ts';
import type { TlsSettings } from '#serving/tls-settings.ts';
import type { Store } from '#store/store.ts';
import type { FrontProxy } from './aggregation/aggregation.ts';
import type { AdmissionSettings } from './admission/settings.ts';
import type { Audit } from './audit/audit.ts';
import type { Authenticator } from './authn/authenticate.ts';
import type { AnonymousRule } from './authn/anonymous.ts';
import type { TokenSettings } from './authn/service-account-tokens.ts';
import type { ChosenAuthorizers } from './authz/authorization.ts';
import type { VersionInfo } from './documents/version.ts';
import type { FeatureGates } from './features/feature-gates.ts';
import type { Egress } from './proxy/egress.ts';
import type { InFlightLimits } from './request/max-in-flight.ts';
import type { NodeGateway } from './request/node-gateway.ts';
import type { WatchLimits } from './request/watch-limits.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly serviceAccountKey: ServiceAccountKey;
  /** `iss` of tokens. Default: https://kubernetes.default.svc.cluster.local. */
  readonly serviceAccountIssuer?: string;
  /** Service addresses, one range per family. Default: 10.96.0.0/16. */
  readonly serviceClusterIpRanges?: readonly string[];
  /** Default: 30000 to 32767. */
  readonly serviceNodePortRange?: { readonly from: number; readonly to: number };
  /** How to reach kubelets. */
  readonly nodes: NodeGateway;
  /** The way to what runs in the cluster (webhooks, proxied pods). Default: directly. */
  readonly egress?: Egress;
  /** How API servers behind this one know it, and the authority that they check this by. Default: they get no certificate. */
  readonly frontProxy?: FrontProxy | undefined;
  /** How many requests run at once, all priority levels together. Default: 600, the sum of upstream's two limits. */
  readonly maxRequestsInflight?: number;
  /** In place of priority levels: so many requests of either sort run at once. */
  readonly inFlightLimits?: InFlightLimits | undefined;
  /** How many watches clients may have open. Default: 40,000, of which one user may have 10,000. */
  readonly watchLimits?: WatchLimits | undefined;
  /** Requests other than watches are ended after so long. Default: never. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long a watch lasts at least that does not say. Default: half an hour. */
  readonly minWatchSeconds?: number | undefined;
  /** How long events are kept. Default: for ever. */
  readonly eventTtlMs?: number | undefined;
  /** Asked before the built-in authenticators. */
  readonly authenticators?: readonly Authenticator[];
  /** Whether tokens of Secrets of type bootstrap.kubernetes.io/token are taken. Default: they are not. */
  readonly bootstrapTokens?: boolean | undefined;
  /** Who may come without credentials. Default: everybody. */
  readonly anonymous?: AnonymousRule | undefined;
  /** What service-account tokens are believed beside those that are issued, and how long they live. */
  readonly tokens?: TokenSettings | undefined;
  /** In order, after system:masters; names stand for the server's own, which a function is handed. Default: Node and RBAC. */
  readonly authorizers?: ChosenAuthorizers;
  /** Which admission plugins run, and how. Default: the usual ones. */
  readonly admission?: AdmissionSettings | undefined;
  /** Which of the built-in kinds are served. Default: all. */
  readonly serves?: ((kind: ResourceKind) => boolean) | undefined;
  /** Names that are on or off, for the metrics. */
  readonly features?: FeatureGates | undefined;
  /** How it was started, for /flagz. Default: nobody says. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** A directory whose files are shown at /logs/. Default: none are. */
  readonly logFolder?: string | undefined;
  /** Whether there is /debug/pprof/. Default: there is. */
  readonly profiling?: boolean | undefined;
  /** What the server calls itself at /version. Default: its own version. */
  readonly version?: VersionInfo | undefined;
  /** What is below the server and has health and metrics of its own. Default: nothing. */
  readonly below?: { readonly healthCheck: HealthCheck; metricsText(): string } | undefined;
  /** Records requests; the server closes it. Default: nobody does. */
  readonly audit?: Audit | undefined;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly serving: PemPair;
  readonly clientCaPem: string;
  /** Published as the endpoint of the `kubernetes` Service. Default: not published. */
  readonly advertiseAddress?: string;
  /** How clients outside reach the server, for discovery. Default: the advertised address. */
  readonly externalHostname?: string | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Web pages of these origins may use the API: regular expressions. */
  readonly corsAllowedOrigins?: readonly string[] | undefined;
  /** How many connections may be open at once. Default: as the process's limit of open files allows. */
  readonly maxConnections?: number | undefined;
  /** The share of requests over HTTP/2 whose client is asked to connect anew. Default: 0. */
  readonly goawayChance?: number | undefined;
}

/** How the server stops. */
export interface StopOptions {
  /** So long requests are still served as ever, while /readyz fails. Default: 0. */
  readonly delayMs?: number | undefined;
  /** Requests that come later are answered 429 and told to come again. */
  readonly sendsRetryAfter?: boolean | undefined;
}
