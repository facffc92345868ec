/** Where an API server is and who we are to it; what kubeconfig, in-cluster files and flags come down to. */
/** PEM text, or the file that holds it (read when a connection is made, so that a rotated file counts). */
export type PemSource = { readonly pem: string } | { readonly file: string };

export interface ConnectionConfig {
  /** `https://host:port`, with a path where the API is below one. */
  readonly server: string;
  /** The context's namespace. */
  readonly namespace?: string | undefined;
  readonly ca?: PemSource | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  readonly certificate?: PemSource | undefined;
  readonly key?: PemSource | undefined;
  readonly token?: string | undefined;
  /** Asked for every request; it answers from memory as long as it can. */
  readonly tokenSource?: (() => Promise<string>) | undefined;
  /** Read again every minute. */
  readonly tokenFile?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly impersonate?: { readonly user: string; readonly uid?: string | undefined; readonly groups?: readonly string[] | undefined } | undefined;
  readonly exec?: ExecPlugin | undefined;
}

/** A program that prints credentials; `exec` of a kubeconfig user. */
export interface ExecPlugin {
  apiVersion?: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
  interactiveMode?: string;
}
