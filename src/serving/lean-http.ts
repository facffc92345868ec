/**
 * Takes the names of the browser's WebSocket off `node:http`. Importing that module from an ES module reads all its names,
 * and reading these three loads Node's whole fetch implementation: 5 MiB that no part of Skiff uses (WebSockets are
 * `ws`'s). Must run before the first import of `node:http`.
 */
export function keepHttpLean(): void {
  const http: Record<string, unknown> = process.getBuiltinModule('node:http');
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) delete http[name];
}
