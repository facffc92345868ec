/** Claims the cluster it is told of, says so, and waits to be killed. */
import { present } from '#base/assert.ts';
import { claimCluster } from './run-lock.ts';

const [stateDir = '', pidFile = ''] = process.argv.slice(2);
present(await claimCluster({ stateDir, pidFile }), 'the claim');
process.send?.('claimed');
process.on('message', () => {});
