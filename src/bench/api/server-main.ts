/** `node server-main.ts STORE [DIRECTORY | ENDPOINT]`: an API server in a process of its own, loaded as `skiff` loads it. */
import { keepHttpLean } from '#serving/lean-http.ts';

keepHttpLean();
await import('./measured-server.ts');
