/**
 * The way out of the API server to what runs in the cluster: webhooks, aggregated API servers, proxied pods. Default: the
 * address itself, which the machine must be able to reach.
 */
export type Egress = (target: { readonly host: string; readonly port: number }) => { readonly host: string; readonly port: number };

export const directly: Egress = (target) => target;

/** `host:port` as URLs have it. */
export function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
