/** Whether an API server behind this one answers. Source: behaviour of kube-aggregator; reasons and texts are its own. */
import type { APIServiceCondition } from '#api/apiregistration/api-service.ts';
import type { Clock } from '#base/clock.ts';
import type { RemoteServer } from './remote-server.ts';

const discoveryTimeoutMs = 5_000;

export type Availability = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

/** Never throws. */
export async function checkAvailability(remote: RemoteServer, clock: Clock): Promise<Availability> {
  const { group = '', version = '', service } = remote.service.spec;
  const { name = '', namespace = '' } = service ?? {};
  const address = remote.address();
  const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message });
  if (address === undefined) return no('ServiceNotFound', `service/${name} in ${JSON.stringify(namespace)} is not present`);
  if (address === 'none-ready') return no('MissingEndpoints', `endpoints for service/${name} in ${JSON.stringify(namespace)} have no addresses with port name ""`);
  const path = `/apis/${group}/${version}`;
  const url = `https://${address.host}:${address.port}${path}`;
  const deadline = new AbortController();
  const timer = clock.after(discoveryTimeoutMs, () => deadline.abort());
  try {
    const { code } = await remote.fetch(path, { signal: deadline.signal });
    if (code < 200 || code > 299) return no('FailedDiscoveryCheck', `failing or missing response from ${url}: bad status from ${url}: ${code}`);
  } catch (error) {
    const why = deadline.signal.aborted ? 'context deadline exceeded' : (error as Error).message;
    return no('FailedDiscoveryCheck', `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${why}`);
  } finally {
    timer.cancel();
  }
  return { status: 'True', reason: 'Passed', message: 'all checks passed' };
}
