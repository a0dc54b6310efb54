import { Command, CommanderError, Option } from 'commander';
import { retentionText } from '../app/retention.ts';
import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';
import type { Action, Tie } from './action.ts';
import { addDatabaseCommands } from './database-commands.ts';
import { addInvestigationCommands, clusterOptions } from './investigation-commands.ts';
import { reportFailure } from './failure.ts';
import { filterNames, filters } from './nouns/filters.ts';
import type { FilterName } from './nouns/filters.ts';
import { nouns } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { processTerminal } from './output.ts';
import type { Terminal } from './output.ts';

/**
 * Runs the command line and returns the exit code: 0 done, 1 the answer is no, 2 usage or configuration, 3 cannot reach
 * or not allowed, 4 timed out waiting. Commands are loaded only when they are run.
 */
export async function runProgram(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const run = { exitCode: 0 };
  const program = buildProgram(terminal, run);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return run.exitCode;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return reportFailure(terminal, thrown, asJson(args));
    if (thrown.exitCode === 0) return 0;
    // A command that only has sub-commands has shown its help already.
    if (thrown.code === 'commander.help') return 2;
    return reportFailure(terminal, usageError(program, args, thrown), asJson(args));
  }
}

/** What commander says of wrong words, as an error like all others. */
function usageError(program: Command, args: readonly string[], { code, message }: CommanderError): AppError {
  const command = program.commands.find((candidate) => candidate.name() === args[0]);
  const misspelt = code === 'commander.missingMandatoryOptionValue' ? unknownFlag(command, args) : undefined;
  const [what = '', hint] = misspelt ?? message.replace(/^error: /, '').split('\n');
  const help = command === undefined ? 'fist --help' : `fist ${command.name()} --help`;
  return new AppError('InvalidInput', what, {
    next: hint === undefined ? help : `${hint.replace(/^\((.*)\)$/, '$1')} ${help}`,
  });
}

/** Commander looks for required flags before unknown ones, and a misspelt one is what the person meant. */
function unknownFlag(command: Command | undefined, args: readonly string[]): readonly string[] | undefined {
  const known = (command?.options ?? []).flatMap(({ long, short }) => [long, short]).filter((flag) => flag != null);
  const unknown = args.find(
    (word) => word.startsWith('--') && word !== '--' && !known.includes(word.split('=')[0] ?? ''),
  );
  if (unknown === undefined) return undefined;
  const meant = mostSimilar(unknown, known);
  return [`unknown option '${unknown}'`, ...(meant === undefined ? [] : [`Did you mean ${meant}?`])];
}

function asJson(args: readonly string[]): boolean {
  return (
    args.some((word, index) => (word === '-o' || word === '--output') && args[index + 1] === 'json') ||
    args.includes('--output=json') ||
    args.includes('-ojson')
  );
}

/** The tree of commands; `docs/reference/cli.md` is generated from it. */
export function buildProgram(terminal: Terminal, run: { exitCode: number }): Command {
  const program = new Command('fist');
  program
    .description(
      'Incident responder for Kubernetes: alerts come in, a workflow investigates, a report that cites its evidence goes out.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      // Thrown as well, and printed by runProgram.
      outputError: () => undefined,
    });

  /** Ties a command to its module: `load` imports it when the command is run. */
  function action<Flags>(command: Command, load: () => Promise<Action<Flags>>): void {
    command.action(async (...values: unknown[]) => {
      const operands = values
        .slice(0, -2)
        .flat()
        .filter((value) => typeof value === 'string');
      const work = await load();
      run.exitCode = await work(terminal, command.opts() as Flags, ...operands);
    });
  }

  addServerCommands(program, action);
  addInvestigationCommands(program, action);
  addClientCommands(program, action);
  addDatabaseCommands(program, action);
  addOfflineCommands(program, action);
  return program;
}

function addServerCommands(program: Command, action: Tie): void {
  action(
    program
      .command('demo')
      .description(
        'The first minute: recorded incidents, no cluster, no key, loopback only, SAMPLE data; ends by itself',
      )
      .option('--ci', 'print NDJSON; exit 0 only if the expected findings came out')
      .option('--story <name>', 'only this story of examples/')
      .option('--keep', 'go on serving after the stories, until Ctrl-C'),
    async () => (await import('./demo.ts')).demo,
  );
  action(
    clusterOptions(
      program
        .command('serve')
        .summary('Runs the server on this machine')
        .description(
          'Runs the server on this machine. FIST_TOKEN: token of the API, 16 characters or more; the same for all replicas (default: a file beside the database)',
        ),
    )
      .option(
        '--resources <dir>',
        'folder (or file) of Source, Workflow, Sink and Secret documents; watched (default: examples/connect over a recorded cluster, on the first free port from 8080)',
      )
      .option(
        '--db <path|url>',
        'SQLite file or postgres:// URL (default: DATABASE_URL or SQLITE_PATH, else data/punching-fist.db)',
      )
      .option('--listen <host:port>', 'address to listen on (default: SERVER_ADDR, else 127.0.0.1:8080)')
      .option('--secrets-dir <dir>', 'folder with [namespace/]name/key files')
      .option('--public-url <url>', 'how people reach this server, for links in reports')
      .option('--allow-exec', 'lets cli steps run processes on this machine', false)
      .option('--allow-insecure-sources', 'accepts Sources without authentication beyond loopback', false)
      .option('--concurrency <runs>', 'runs that execute at the same time, in each replica', '8')
      .option('--retain-runs <limit>', retentionText('runs'))
      .option('--retain-events <limit>', retentionText('events'))
      .option('--retain-dead-letters <limit>', retentionText('dead-letters'))
      .option('--retain-alerts <limit>', retentionText('alerts'))
      .option('--drain-timeout <duration>', 'how long a graceful stop may take in all', '25s')
      .addOption(new Option('--log-level <level>', 'debug, info, warn or error').default('info')),
    async () => (await import('./serve.ts')).serve,
  );
}

function nounWords(some: readonly AnyNoun[]): string {
  const words = some.map(({ plural }) => plural);
  return [words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(' or ');
}

/** The nouns that a filter is for. */
function takers(name: FilterName): string {
  const some = nouns.filter(({ filters }) => filters.includes(name));
  return some.length === nouns.length ? 'all' : some.map(({ plural }) => plural).join(', ');
}

function serverOptions(command: Command): Command {
  return command
    .option('--server <url>', 'the server (default: FIST_SERVER, else http://127.0.0.1:8080)')
    .option('--token <token>', 'API token (default: FIST_TOKEN, else the file beside the database)')
    .option('--db <path|url>', 'database of the server on this machine, to find its token');
}

function addClientCommands(program: Command, action: Tie): void {
  const send = program.command('send').description('Sends something to a server');
  action(
    serverOptions(send.command('alert').description('Sends an alert; its answer says what it started'))
      .option(
        '-f, --file <file>',
        'an Alertmanager v4 payload, for --path; or an alert of POST /alerts; - reads standard input',
      )
      .option('--name <alertname>', 'instead of a file: name of the alert')
      .option('--severity <severity>', 'critical, warning or info', 'warning')
      .option('--label <name=value...>', 'labels of the alert')
      .option('--path <path>', 'webhook path of the Source that takes the payload')
      .option('--webhook-token <token>', 'bearer token of that Source (default: FIST_WEBHOOK_TOKEN)'),
    async () => (await import('./send.ts')).sendAlert,
  );
  const get = program
    .command('get <noun> [name...]')
    .description(`Lists ${nounWords(nouns)}; or shows those that are named, \`NOUN NAME\` or \`NOUN/NAME\``);
  get.option('-o, --output <format>', 'table, wide, json, yaml or name', 'table');
  for (const name of filterNames) get.option(filters[name].flags, `${takers(name)}: ${filters[name].text}`);
  get.option('--limit <number>', 'at most so many', '50');
  action(serverOptions(get), async () => (await import('./get.ts')).get);
  action(
    serverOptions(
      program
        .command('describe <object> [name...]')
        .description(
          'Shows run/ID or alert/ID with all that belongs to it, delivery/, event/ or dead-letter/ID, or source, workflow or sink/[NAMESPACE/]NAME; also as `NOUN NAME`, and several',
        ),
    ).option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./describe.ts')).describe,
  );
  action(
    serverOptions(
      program.command('cancel <object>').description('Cancels run/ID; ends a pending delivery/ID without sending it'),
    ).option('--reason <text>', 'kept with it', 'cancelled by fist cancel'),
    async () => (await import('./control.ts')).cancel,
  );
  action(
    serverOptions(
      program
        .command('retry <object>')
        .description(
          'Starts run/ID anew, as a new run; sends a failed delivery/ID again, or all `deliveries` of a Sink that failed',
        ),
    )
      .option('--sink <name>', 'deliveries: to this Sink')
      .option('-n, --namespace <name>', 'deliveries: namespace of the Sink (default: default)')
      .option('--status <status>', 'deliveries: failed'),
    async () => (await import('./control.ts')).retry,
  );
}

function addOfflineCommands(program: Command, action: Tie): void {
  action(
    program
      .command('lint <path...>')
      .description('Checks resources: fields, references, templates, commands; no server')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./lint.ts')).lint,
  );
  action(
    program
      .command('explain <field>')
      .description('Explains a field, `workflow.spec.steps.goal`; no server')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./explain.ts')).explain,
  );
  action(
    program
      .command('render [template]')
      .description('Renders a template by hand')
      .option('--data <file>', 'JSON or YAML; - reads standard input')
      .option('--file <file>', 'read the template from a file')
      .option('--jsonl', 'read {"template", "data"} a line from standard input, answer {"output"} or {"error"} a line'),
    async () => (await import('./render.ts')).render,
  );
  action(
    program
      .command('version')
      .description('Prints the version')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./version.ts')).version,
  );
}
