/**
 * A gRPC server that says it is well, on the port of the first argument, for as many milliseconds as the second one says
 * (none: for ever). Source: grpc.health.v1; gRPC over HTTP/2.
 */
import http2 from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const [port = '5000', wellMs = ''] = process.argv.slice(2);
const started = performance.now();
const statuses = { serving: 1, notServing: 2 };
const server = http2.createServer();
server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on('error', () => {});
  stream.on('end', () => {
    const isKnown = headers[':path'] === '/grpc.health.v1.Health/Check';
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isKnown ? '0' : '12' }));
    const isWell = wellMs === '' || performance.now() - started < Number(wellMs);
    // A frame that is not compressed, of two bytes: field 1, the status.
    stream.end(isKnown ? Buffer.from([0, 0, 0, 0, 2, 8, isWell ? statuses.serving : statuses.notServing]) : undefined);
  });
  stream.resume();
});
server.listen(Number(port), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
