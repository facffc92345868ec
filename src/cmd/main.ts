/** The command line. Finds the program by its first word, loads its file, and lets commander do the rest. */
import { Command } from 'commander';
import { fail } from './fail.ts';
import { keepHttpLean } from '#serving/lean-http.ts';
import { programs } from './program.ts';

keepHttpLean();
// A reader that has seen enough (`skiff ... | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const [first = '--help', ...rest] = process.argv.slice(2);
const word = first === '--version' ? 'version' : first;

// The clock's timers keep no process alive, and a command may have nothing else to wait for.
const keepAlive = new BroadcastChannel('skiff');
try {
  const program = programs.find((each) => each.name === word);
  if (program === undefined) await overview().parseAsync([word, ...rest], { from: 'user' });
  else await (await program.load()).command().name(`skiff ${program.name}`).parseAsync(program.group === 'component' ? rest.map(withDashes) : rest, { from: 'user' });
} catch (error) {
  fail(error);
} finally {
  keepAlive.close();
}

/** The original takes flags with underscores as well. */
function withDashes(text: string): string {
  const [flag = ''] = text.split('=', 1);
  return flag.startsWith('--') ? `${flag.replaceAll('_', '-')}${text.slice(flag.length)}` : text;
}

/** What `skiff`, `skiff --help` and a misspelt word get. */
function overview(): Command {
  const command = new Command('skiff')
    .description('A whole Kubernetes in one small boat.')
    .usage('COMMAND [flags]')
    .helpCommand(false)
    .option('--version', 'print the version')
    .showHelpAfterError('Run "skiff --help" for the commands.')
    .addHelpText('after', '\nRun "skiff COMMAND --help" for the flags of one command.\nThe quickest way to see it work: skiff up --demo');
  const headings = { cluster: 'A cluster on this machine:', component: 'One component alone (flags as the original\'s):', project: 'The project:' };
  for (const { name, summary, group } of programs) {
    command.command(name).summary(summary).description(summary).helpGroup(headings[group]).helpOption(false).allowUnknownOption();
  }
  return command;
}
