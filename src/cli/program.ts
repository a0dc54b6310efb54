import { Command, CommanderError } from 'commander';
import type { AppError } from '../core/errors.ts';
import { toAppError } from '../core/errors.ts';
import { readVersion } from '../lib/version.ts';
import type { Action } from './action.ts';
import { helpInWordsOf } from './called-as.ts';
import { addClientCommands } from './client-commands.ts';
import { addClusterCommands } from './cluster-commands.ts';
import { addDatabaseCommands } from './database-commands.ts';
import { addExamples } from './examples.ts';
import { addFirstHourCommands } from './first-hour-commands.ts';
import { reportFailure } from './failure.ts';
import { addInvestigationCommands } from './investigation-commands.ts';
import { addModelCommands } from './model-commands.ts';
import { addOfflineCommands } from './offline-commands.ts';
import { processTerminal } from './output.ts';
import type { Terminal } from './output.ts';
import { addServerCommands } from './server-commands.ts';
import { applySettings, fieldOf } from './apply-settings.ts';
import { readSettings } from './settings.ts';
import type { Made } from './settings.ts';
import { usageError, wantsJson, withNext } from './usage.ts';

/** What one command line leaves behind. */
interface Run {
  exitCode: number;
  /** Words of the command that was run. */
  command: string;
  /** Settings that options were given, by the long flag. */
  readonly applied: Map<string, Made>;
}

/**
 * Runs the command line and returns the exit code: 0 done, 1 the answer is no, 2 usage or configuration, 3 cannot reach
 * or not allowed, 4 timed out waiting. Commands are loaded only when they are run.
 */
export async function runProgram(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const run: Run = { exitCode: 0, command: '', applied: new Map() };
  const program = buildProgram(terminal, run);
  // What a shell asks while a person types: the words are of a command that is not whole.
  if (args[0] === '__complete')
    return (await import('./completion/complete.ts')).complete(terminal, program, args.slice(1));
  const fail = (error: AppError) => reportFailure(terminal, error, wantsJson(args));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return run.exitCode;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError))
      return fail(withNext(fieldOf(toAppError(thrown), run.applied), run.command));
    if (thrown.exitCode === 0) return 0;
    // A command that only has sub-commands has shown its help already.
    if (thrown.code === 'commander.help') return 2;
    return fail(usageError(program, args, thrown));
  }
}

/** The tree of commands; `docs/reference/cli.md` is generated from it. */
export function buildProgram(terminal: Terminal, run: Run = { exitCode: 0, command: '', applied: new Map() }): Command {
  const program = new Command('fist');
  program
    .description(
      'Incident responder for Kubernetes: alerts come in, a workflow investigates, a report that cites its evidence goes out.',
    )
    .version(`fist ${readVersion()}`, '--version', 'print the version')
    .option('-q, --quiet', 'only results and errors: no notes, no next command')
    .option('--pager', 'show the result in $PAGER, on a terminal')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(helpInWordsOf(terminal.called, text)),
      writeErr: (text) => terminal.err(helpInWordsOf(terminal.called, text)),
      // Thrown as well, and printed by runProgram.
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.columns ?? 80,
      getErrHelpWidth: () => terminal.columns ?? 80,
    })
    .configureHelp({
      showGlobalOptions: true,
      // As wide as a terminal: how a command is called stands in its own help.
      subcommandTerm: (command) => command.name(),
      subcommandDescription: (command) => command.summary() || (command.description().split(/[;(]/)[0] ?? '').trim(),
    })
    .hook('preAction', async (_, command) => {
      run.command = wordsOf(command);
      // What these say does not depend on a file that may be broken.
      if (['version', 'completion', 'view'].includes(command.name())) return;
      const made = await readSettings(terminal.env, terminal.folder ?? process.cwd());
      for (const target of [program, command]) applySettings(target, made, run.applied, terminal.env);
    });

  /** Ties a command to its module: `load` imports it when the command is run. */
  function action<Flags>(command: Command, load: () => Promise<Action<Flags>>): void {
    command.action(async (...values: unknown[]) => {
      const operands = values
        .slice(0, -2)
        .flat()
        .filter((value) => typeof value === 'string');
      const work = await load();
      const { quiet = false, pager = false } = program.opts<{ quiet?: boolean; pager?: boolean }>();
      const page = pager ? await terminal.page?.() : undefined;
      const own: Terminal = { ...terminal, quiet, ...(page === undefined ? {} : { out: page.out }) };
      try {
        run.exitCode = await work(own, command.opts() as Flags, ...operands);
      } finally {
        await page?.close();
      }
    });
  }

  addServerCommands(program, action);
  addFirstHourCommands(program, action);
  addInvestigationCommands(program, action);
  addClientCommands(program, action);
  addClusterCommands(program, action);
  addDatabaseCommands(program, action);
  addModelCommands(program, action);
  addOfflineCommands(program, action);
  addExamples(program);
  return program;
}

/** `fist db status`. */
function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
