import type { Clock } from '#base/clock.ts';
import { answerDiagnostics } from '#serving/diagnostics.ts';
import type { HttpServer } from '#serving/http-server.ts';
import { createPlainServer } from '#serving/plain-server.ts';
import type { RunningDnsServer } from './dns-server.ts';

/** `/metrics`, `/health` and `/ready`: what CoreDNS has on the ports 9153, 8080 and 8181, on one. */
export function createDnsHttpServer(server: RunningDnsServer, { clock }: { readonly clock: Clock }): HttpServer {
  return createPlainServer({
    clock,
    handler: async (request, response) => {
      if (await answerDiagnostics({ metrics: server.metrics.registry }, request, response)) return;
      const isReady = server.problem === undefined;
      const [status, text] = request.path === '/health' ? [200, 'OK'] : request.path !== '/ready' ? [404, '404 page not found\n'] : isReady ? [200, 'OK'] : [503, 'kubernetes'];
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(Buffer.from(text));
    },
  });
}
