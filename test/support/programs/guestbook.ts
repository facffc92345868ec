/**
 * A guestbook of three parts, told apart by the first argument: `primary` keeps entries and hands them to replicas that have
 * made themselves known, `replica` answers what it was handed, `frontend` (with the names of the two Services) writes to the
 * one and reads from the other. All speak HTTP on port 80: `/guestbook?cmd=get|set&key=...&value=...`.
 */
import http from 'node:http';

const [role = '', primary = '', replicas = ''] = process.argv.slice(2);
const entries: Record<string, string> = {};
const known = new Set<string>();
const retryMs = 200;

const server = http.createServer((request, response) => {
  answer(new URL(request.url ?? '/', 'http://guestbook'), request.socket.remoteAddress ?? '').then(
    (body) => response.end(typeof body === 'string' ? body : JSON.stringify(body)),
    (error: unknown) => response.writeHead(502).end(String(error)),
  );
});
server.listen(80, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
if (role === 'replica') await register();

async function answer({ pathname, searchParams }: URL, from: string): Promise<object | string> {
  const [command, key, value] = [searchParams.get('cmd'), searchParams.get('key') ?? '', searchParams.get('value') ?? ''];
  if (pathname === '/healthz') return 'ok';
  if (pathname === '/register') {
    known.add(from.replace('::ffff:', ''));
    return entries;
  }
  if (role === 'frontend') return JSON.parse(await ask(`http://${command === 'set' ? primary : replicas}/guestbook?${searchParams.toString()}`)) as object;
  if (command === 'get') return { data: entries[key] ?? '' };
  entries[key] = value;
  if (role === 'primary') await Promise.all([...known].map((each) => ask(`http://${each}/guestbook?${searchParams.toString()}`)));
  return { message: 'Updated' };
}

/** Until the primary can be found. */
async function register(): Promise<void> {
  for (;;) {
    try {
      Object.assign(entries, JSON.parse(await ask(`http://${primary}/register`)) as object);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false, timeout: 5000 }, (response) => {
      void response.toArray().then((pieces) => {
        const text = Buffer.concat(pieces as Buffer[]).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url}: ${response.statusCode} ${text}`));
      }, reject);
    }).on('error', reject);
  });
}
