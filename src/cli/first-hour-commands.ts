import type { Command } from 'commander';
import type { Tie } from './action.ts';
import { clusterOptions } from './investigation-commands.ts';

/** Commands of the first hour with one's own systems. */
export function addFirstHourCommands(program: Command, action: Tie): void {
  action(
    program
      .command('init <noun>')
      .description(
        'Prints a source, workflow, sink or secret to begin with, as YAML: what it needs is set, every other field is a comment',
      )
      .option('--type <type>', 'of the source or sink, of the step of a workflow (default: the usual one)'),
    async () => (await import('./init.ts')).init,
  );
  action(
    destinationOptions(
      clusterOptions(
        program
          .command('check')
          .description(
            'Looks before a server is started whether it will find what it needs, and says what is missing: rights in the cluster, Alertmanager, clocks, disk, modes of token files. Changes nothing',
          ),
      )
        .option(
          '-n, --namespace <name>',
          'rights in this namespace only (default: in all); of an installation: where it is (default: punching-fist)',
        )
        .option(
          '--installed',
          'instead: an installation in the cluster (default: of the current context): CRDs, what it may, what it must not',
        )
        .option('--pre', 'instead: whether you may make one: fist install')
        .option('--alertmanager <url>', 'an Alertmanager that is to send its alerts here')
        .option(
          '--resources <path>',
          'resources of the server: rights of Sources that watch the cluster, and of Sinks that make Events',
        ),
    )
      .option(
        '--db <path|url>',
        'database of the server (default: DATABASE_URL or SQLITE_PATH, else data/punching-fist.db)',
      )
      .option('--secrets-dir <dir>', 'folder with [namespace/]name/key files (default: secrets, where it is there)')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./check.ts')).check,
  );
  const connect = program.command('connect').description('Brings the alerts of another system here');
  action(
    destinationOptions(
      connect
        .command('alertmanager')
        .description(
          'Reads the configuration that an Alertmanager runs with, and prints the receiver and the routes that it lacks to send its alerts here',
        )
        .requiredOption('--url <url>', 'the Alertmanager, http://127.0.0.1:9093'),
    )
      .option('--write <file>', 'add them to this file, its --config.file; as it was it stays as FILE.before-fist')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./connect.ts')).connectAlertmanager,
  );
}

/** Flags that say where an Alertmanager sends to. */
function destinationOptions(command: Command): Command {
  return command
    .option(
      '--webhook <url>',
      'address of the Source, as Alertmanager sees it (default: FIST_SERVER, else http://127.0.0.1:8080, with /webhook/alertmanager). That of a Source in a cluster is http://SERVICE:8080/webhook/@NAMESPACE/PATH',
    )
    .option(
      '--credentials-file <file>',
      "the Source's token, as Alertmanager sees it (default: secrets/alertmanager-token/token of this folder, else /etc/alertmanager/fist-token)",
    );
}
