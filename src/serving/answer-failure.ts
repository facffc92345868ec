import type { Logger } from '#base/log.ts';
import type { Handler, ServerRequest, ServerResponse } from './exchange.ts';

/** Answers a request whose handler threw. It may look at the error and write any answer; it must not throw. */
export type ErrorHandler = (error: unknown, request: ServerRequest, response: ServerResponse) => void;

/** Runs the handler; what it throws goes to `onError`, and an answer that is already half sent is broken off. */
export function runHandler(
  { handler, onError }: { readonly handler: Handler; readonly onError: ErrorHandler },
  request: ServerRequest,
  response: ServerResponse,
): void {
  const fail = (error: unknown): void => {
    if (response.isOver) return;
    if (response.isHeadSent) response.abort();
    else onError(error, request, response);
  };
  try {
    const running = handler(request, response);
    if (running !== undefined) running.catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** The error handler of servers that are given none: status 500, the cause in the log only. */
export function plainErrors(log: Logger): ErrorHandler {
  return (error, request, response) => {
    log.error({ error, method: request.method, path: request.path }, 'request failed');
    response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(Buffer.from('internal server error\n'));
  };
}
