/** What the containers of these tests do: the first word of the command says it, as the programs of that name would. */
import type { ContainerBehaviour, SimulatedContainerInfo } from '#testing/index.ts';

/** What hooks of the program `hooks` asked for: the pod's name, `exec` or `http`, and what. */
export const hookCalls: string[] = [];

/** How often a container was created. */
const starts = new Map<string, number>();

export function programs({ pod, config }: SimulatedContainerInfo): ContainerBehaviour {
  const command = [...config.command ?? [], ...config.args ?? []];
  const key = `${pod.uid}/${config.metadata.name}`;
  const start = (starts.get(key) ?? 0) + 1;
  starts.set(key, start);
  switch (command[0]) {
    case 'true':
      return { exitAfterMs: 0 };
    case 'false':
      return { exitAfterMs: 0, exitCode: 1 };
    case 'env':
      return { exitAfterMs: 0, log: (config.envs ?? []).map((each) => `${each.key}=${typeof each.value === 'string' ? each.value : new TextDecoder().decode(each.value)}`) };
    case 'echo':
      return { exitAfterMs: 0, log: [command.slice(1).join(' ')] };
    case 'mounts':
      return { exitAfterMs: 0, log: (config.mounts ?? []).map((each) => each.containerPath) };
    // Serves until it has lived this long, and is then unwell.
    case 'unwell':
      return { probe: () => false, exec: () => ({ exitCode: 1 }) };
    case 'fail-once':
      if (start > 1 && command[1] === 'stay') return {};
      return { exitAfterMs: 0, exitCode: start === 1 ? 1 : 0 };
    case 'hooks': {
      const call = (what: string): void => void hookCalls.push(`${pod.name} ${what}`);
      return {
        exec: (words) => {
          call(`exec ${words.join(' ')}`);
          return {};
        },
        probe: ({ path = '' }) => {
          call(`http ${path}`);
          return true;
        },
      };
    }
    case 'linger':
      return { stopAfterMs: Number(command[1]) };
    case undefined:
      if (config.image.image.includes('entrypoint-tester')) return { exitAfterMs: 0, log: ['the image\'s entrypoint and arguments'] };
      return {};
    default:
      return { exec: (words) => ({ stdout: `${words.slice(1).join(' ')}\n` }) };
  }
}
