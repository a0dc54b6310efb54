import type { Command } from 'commander';
import type { Tie } from './action.ts';
import { addAgentCommands } from './agent-commands.ts';
import { listFormatText } from './formats.ts';
import { filterNames, filters } from './nouns/filters.ts';
import type { FilterName } from './nouns/filters.ts';
import { nouns } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { serverOptions } from './server-options.ts';

function nounWords(some: readonly AnyNoun[]): string {
  const words = some.map(({ plural }) => plural);
  return [words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(' or ');
}

/** The nouns that a filter is for. */
function takers(name: FilterName): string {
  const some = nouns.filter(({ filters }) => filters.includes(name));
  return some.length === nouns.length ? 'all' : some.map(({ plural }) => plural).join(', ');
}

/** Commands that talk to a running server. */
export function addClientCommands(program: Command, action: Tie): void {
  const send = program.command('send').description('Sends something to a server');
  action(
    serverOptions(send.command('alert').description('Sends an alert; its answer says what it started'))
      .option(
        '-f, --file <file>',
        'an Alertmanager v4 payload, for --path; or an alert of POST /alerts; - reads standard input',
      )
      .option('--name <alertname>', 'instead of a file: name of the alert')
      .option('--severity <severity>', 'with --name: critical, warning or info (default: warning)')
      .option('--status <status>', 'with --name: firing or resolved (default: firing)')
      .option('--label <name=value...>', 'with --name: labels of the alert')
      .option(
        '--source <[namespace/]name>',
        'with --name: Source that takes the alert (default: the first that accepts it)',
      )
      .option(
        '--wait <duration>',
        'waits for the Source to be there, then until all runs about the alert have ended and told their Sinks; exit 1 where one of these failed, or there is none',
      )
      .option('--path <path>', 'webhook path of the Source that takes the payload')
      .option('--webhook-token <token>', 'bearer token of that Source (default: FIST_WEBHOOK_TOKEN)'),
    async () => (await import('./send.ts')).sendAlert,
  );
  action(
    serverOptions(
      program
        .command('backtest <workflow>')
        .description('Says what notifications that a server has would have done with other resources; changes nothing'),
    )
      .option('--resources <path>', 'the resources that decide, a folder or a file')
      .option('--since <time>', 'notifications since then: a duration (`7d`) or RFC 3339', '7d')
      .option('--limit <number>', 'notifications of a Source at most, the newest', '2000')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./backtest.ts')).backtest,
  );
  const get = program
    .command('get <noun> [name...]')
    .description(`Lists ${nounWords(nouns)}; or shows those that are named, \`NOUN NAME\` or \`NOUN/NAME\``);
  get.option('-o, --output <format>', listFormatText, 'table');
  for (const name of filterNames) get.option(filters[name].flags, `${takers(name)}: ${filters[name].text}`);
  get
    .option('-A, --all-namespaces', 'of all namespaces, which is the default; wins over -n')
    .option('--sort-by <path>', 'ascending by this JSONPath: .receivedAt')
    .option('-w, --watch', 'alerts, runs: go on, and show each that changes, until Ctrl-C')
    .option('--no-headers', 'a table without headings')
    .option('--limit <number>', 'at most so many', '50')
    .option('--continue <cursor>', 'go on where a list ended');
  action(objectOptions(serverOptions(get)), async () => (await import('./get.ts')).get);
  action(
    objectOptions(
      serverOptions(
        program
          .command('describe <object> [name...]')
          .description(
            'Shows run/ID or alert/ID with all that belongs to it, delivery/, event/ or dead-letter/ID, or source, workflow or sink/[NAMESPACE/]NAME; also as `NOUN NAME`, and several',
          ),
      ),
    )
      .option('-w, --watch', 'alerts, runs: go on, and show it again when it changes, until Ctrl-C')
      .option('--evidence', 'runs: also what proves the findings')
      .option('--charts <dir>', 'runs: write the charts (SVG) of what metrics showed into this folder')
      .option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./describe.ts')).describe,
  );
  addAgentCommands(program, action);
  action(
    serverOptions(
      program
        .command('why [alert]')
        .description(
          'Says why an alert fires: its name, its id or the beginning of it, run/ID, or what it is about, pod/NAME -n NAMESPACE; without a word, the most severe open alert, of these the one that changed last',
        ),
    )
      .option('-n, --namespace <name>', 'namespace of what the alert is about')
      .option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./why.ts')).why,
  );
  action(
    serverOptions(
      program
        .command('status')
        .description(
          'Says whether fist itself is well: store, Sources, Sinks, runs, cluster; exit code 1 where it is not',
        ),
    ).option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./status.ts')).status,
  );
  addEffects(program, action);
}

/** Flags with which Sources, Workflows and Sinks are read from a cluster. */
function objectOptions(command: Command): Command {
  return command
    .option('--context <name>', 'sources, workflows, sinks: those of this cluster, with no server')
    .option('--kubeconfig <file>', 'the same, of the current context of this kubeconfig');
}

/** Those that change something, or send something. */
function addEffects(program: Command, action: Tie): void {
  action(
    serverOptions(
      program
        .command('start <alert>')
        .description(
          'Starts a run about alert/ID (or alert/NAME) as it stands now, whatever policies of its Source say; one that has ended is repeated',
        ),
    ).option('--workflow <name>', 'a Workflow that its Source may name (default: the one that it triggers)'),
    async () => (await import('./control.ts')).start,
  );
  addVerdicts(program, action);
  action(
    serverOptions(
      program
        .command('cancel <object>')
        .description(
          'Cancels run/ID; ends a pending delivery/ID without sending it, or all pending `deliveries` to a Sink, also to one that is gone',
        ),
    )
      .option('--reason <text>', 'kept with it', 'cancelled by fist cancel')
      .option('--sink <name>', 'deliveries: to this Sink')
      .option('-n, --namespace <name>', 'deliveries: namespace of the Sink (default: default)'),
    async () => (await import('./control.ts')).cancel,
  );
  action(
    serverOptions(
      program
        .command('test <sink>')
        .description(
          'Sends a message that says that it is a test to sink/[NAMESPACE/]NAME, and its end at once; prints what the receiver answered, with exit code 1 where it did not take it',
        ),
    ).option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./test-sink.ts')).testSink,
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

/** What people say of reports. */
function addVerdicts(program: Command, action: Tie): void {
  action(
    judgeOptions(
      program
        .command('confirm <run>')
        .description(
          'Says that the cause in the report of run/ID was right; of a report without a cause, with --cause, what it was. Later runs for such alerts are told of it',
        ),
    ).option('--withdraw', 'takes back what was said of it before', false),
    async () => (await import('./judge.ts')).confirm,
  );
  action(
    judgeOptions(
      program
        .command('refute <run>')
        .description(
          'Says that the cause in the report of run/ID was wrong. Later reports for such alerts that state it again say so',
        ),
    ),
    async () => (await import('./judge.ts')).refute,
  );
}

function judgeOptions(command: Command): Command {
  return serverOptions(command)
    .option('--cause <text>', 'what it was')
    .option('--note <text>', 'what else is worth knowing')
    .option('--by <name>', 'who says it (default: USER)')
    .option('-o, --output <format>', 'text, json or yaml', 'text');
}
