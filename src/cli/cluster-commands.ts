import type { Command } from 'commander';
import type { Tie } from './action.ts';

/** Commands that change a cluster. */
export function addClusterCommands(program: Command, action: Tie): void {
  addObjectCommands(program, action);
  action(
    installOptions(
      program
        .command('install')
        .summary('Installs the operator in a cluster')
        .description(
          'Installs the operator in a cluster as the chart does with its defaults: CRDs, roles, one replica with a volume, by server-side apply. The token of the API is made once. Again, it changes nothing',
        ),
    ),
    async () => (await import('./install.ts')).install,
  );
  action(
    installOptions(
      program
        .command('upgrade')
        .summary('Brings an installation up to this version')
        .description(
          'Brings what `fist install` made up to this version: CRDs first; the token of the API and the database stay, and what only an earlier version had is deleted',
        ),
    ),
    async () => (await import('./install.ts')).upgrade,
  );
  action(
    contextOptions(
      program
        .command('uninstall')
        .summary('Deletes what fist install made')
        .description(
          'Deletes what `fist install` made. Kept are the namespace and, unless --all, the CRDs with all Sources, Workflows and Sinks, the volume with the database, and the token of the API',
        ),
    )
      .option('-n, --namespace <name>', 'where it is', 'punching-fist')
      .option('--all', 'also what lasts: shows what that is, and does it with --yes')
      .option('--yes', 'with --all: you have read what is deleted')
      .option('--dry-run', 'only say what would be deleted'),
    async () => (await import('./install.ts')).uninstall,
  );
}

function addObjectCommands(program: Command, action: Tie): void {
  action(
    contextOptions(
      program
        .command('apply')
        .summary('Makes or changes Sources, Workflows and Sinks of a cluster')
        .description(
          'Makes or changes Sources, Workflows and Sinks of a cluster by server-side apply. First they are checked as by `fist lint`, with what the cluster has to refer to, and then by the API server: nothing is changed unless all are right',
        )
        .requiredOption('-f, --file <path...>', 'files or folders; - reads standard input'),
    )
      .option('-n, --namespace <name>', 'of objects that name none (default: that of the context)')
      .option('--dry-run', 'have the API server check it, and change nothing')
      .option('--force-conflicts', 'sets fields that others have set meanwhile')
      .option('--wait', 'until the operator says that they are in use, or why not')
      .option('--timeout <duration>', 'with --wait: how long', '60s'),
    async () => (await import('./apply.ts')).apply,
  );
  action(
    contextOptions(
      program
        .command('delete [object...]')
        .summary('Deletes Sources, Workflows and Sinks of a cluster')
        .description('Deletes Sources, Workflows and Sinks of a cluster: KIND/[NAMESPACE/]NAME, or those of files')
        .option('-f, --file <path...>', 'those that files or folders declare; - reads standard input'),
    )
      .option('-n, --namespace <name>', 'of objects that name none (default: that of the context)')
      .option('--dry-run', 'have the API server check it, and change nothing'),
    async () => (await import('./apply.ts')).deleteObjects,
  );
}

function installOptions(command: Command): Command {
  return contextOptions(command)
    .option('-n, --namespace <name>', 'where it is, made if it is not there', 'punching-fist')
    .option('--image <image>', 'image of this program, with its tag or digest (default: punching-fist, this version)')
    .option('--force-conflicts', 'sets fields of its objects that others have set meanwhile')
    .option('--dry-run', 'only print the objects, as YAML, with no cluster');
}

/** Flags that name a cluster, as kubectl has them. */
function contextOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of it (default: the current one)');
}
