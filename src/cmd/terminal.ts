/** What is printed for people: colours where they are wanted, one line per step. */
import { systemClock } from '#base/clock.ts';

/** Colours only on a terminal, and not against the user's wish. Source: https://no-color.org */
export function wantsColour(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

export function paint(stream: NodeJS.WriteStream = process.stdout): Paint {
  const isColoured = wantsColour(stream);
  const code = (open: number, close: number) => (text: string): string => (isColoured ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { good: code(32, 39), bad: code(31, 39), dim: code(2, 22), bold: code(1, 22) };
}

/** Durations as people read them: `85 ms`, `2.4 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Prints one line per step of something that takes a while. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint: Paint;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#paint = paint(stream);
  }

  /** Names the step, runs it, and says how long it took; `work` may answer a remark for the end of the line. */
  async step<T>(name: string, work: (remark: (text: string) => void) => Promise<T>): Promise<T> {
    const startMs = systemClock.monotonicMs();
    let said = '';
    if (this.#stream.isTTY) this.#stream.write(`  ${name} ...`);
    const end = (mark: string, rest: string): void => {
      this.#stream.write(`${this.#stream.isTTY ? '\r\u001b[K' : ''}${mark} ${name}${rest}\n`);
    };
    try {
      const result = await work((text) => {
        said = text;
      });
      const took = this.#paint.dim(`(${duration(systemClock.monotonicMs() - startMs)})`);
      end(this.#paint.good('✓'), `${said === '' ? '' : `: ${said}`} ${took}`);
      return result;
    } catch (error) {
      end(this.#paint.bad('✗'), '');
      throw error;
    }
  }

  say(text: string): void {
    this.#stream.write(`${text}\n`);
  }
}
