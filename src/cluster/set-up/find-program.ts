import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Where administration programs are on Debian though a user's PATH leaves them out. */
const administration = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The full path of a program on PATH or among the administration programs; undefined when there is none. */
export async function findProgram(name: string): Promise<string | undefined> {
  const directories = [...(process.env['PATH'] ?? '').split(':').filter((directory) => directory !== ''), ...administration];
  for (const directory of directories) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

export function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(() => true, () => false);
}
