import type { Command } from 'commander';
import type { Tie } from './action.ts';
import { modelOptions } from './model-flags.ts';

/** Flags that name what is read. */
export function clusterOptions(command: Command): Command {
  return command
    .option(
      '--dump <path>',
      'what was captured: a folder of `fist capture`, `kubectl cluster-info dump`, must-gather or a support bundle, a .tar(.gz) of one, or JSON or YAML of `kubectl get`',
    )
    .option(
      '--kubeconfig <file>',
      'kubeconfig of a cluster to read (default: KUBECONFIG, else ~/.kube/config, where --context is given)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '--cluster-name <name>',
      'what the `cluster` label of its alerts says: an alert of another cluster is not investigated in this one',
    );
}

/** Commands that read a cluster, or what was captured of one, with no server. */
export function addInvestigationCommands(program: Command, action: Tie): void {
  action(
    modelOptions(
      clusterOptions(
        program
          .command('investigate [object]')
          .description('Investigates an alert, or an object as `pod/web-1`, with no server; prints the report'),
      ),
      'unclear',
    )
      .option(
        '--alert <file>',
        'alerts as JSON: of a notification, of the API of Alertmanager or Prometheus, of amtool, or one; - reads standard input. Several are one incident',
      )
      .option('--index <number>', 'only this firing alert of the file, from 0')
      .option('-l, --label <name=value...>', 'instead of a file: labels of an alert')
      .option('-n, --namespace <name>', 'namespace of the object (default: default)')
      .option(
        '--prometheus <url>',
        "metrics: runs the alert's own expression again, and looks at what the containers used; FIST_PROMETHEUS_TOKEN: its token",
      )
      .option('--loki <url>', 'with --model: logs that it may read; FIST_LOKI_TOKEN: the token')
      .option('--runbooks <dir>', 'with --model: folder of Markdown files that it may read')
      .option('--evidence', 'add the findings and the evidence to the text; -o markdown and -o json have them')
      .option(
        '--charts <dir>',
        'with --prometheus: write a chart (SVG) of each measurement that is shown into this folder',
      )
      .option('--explain', 'show the rules that gave the confidence')
      .option('-o, --output <format>', 'text, json or markdown', 'text'),
    async () => (await import('./investigate.ts')).investigateCommand,
  );
  action(
    clusterOptions(
      program.command('scan').description('Everything that is broken now, worst first, with no alert and no server'),
    )
      .option('-n, --namespace <name>', 'only in this namespace (default: all)')
      .option('-o, --output <format>', 'table, wide, json, yaml or name', 'table'),
    async () => (await import('./scan.ts')).scanCommand,
  );
  action(
    clusterOptions(program.command('capture').description('Writes a redacted folder of a live cluster, for --dump'))
      .requiredOption('--output-directory <dir>', 'a new or empty folder; with --case the folder of all cases')
      .option('-n, --namespace <name...>', 'namespaces (default: all)')
      .option(
        '--case <name>',
        'make a case for `fist eval` of it: alert.json, dump/ and expected.json in a folder of this name',
      )
      .option(
        '--prometheus <url>',
        'record what an investigation asks this Prometheus, too: of --alert, else of the pods that are unwell; FIST_PROMETHEUS_TOKEN: its token',
      )
      .option('--alert <file>', 'with --case or --prometheus: the alert; - reads standard input')
      .option('--cause <text...>', 'with --case: words or phrases that the root cause has to say')
      .option('--truth <text>', 'with --case: the cause in a sentence, for people')
      .option('--object <kind/namespace/name>', 'with --case: the object at fault, for people'),
    async () => (await import('./capture.ts')).capture,
  );
  action(
    modelOptions(
      program
        .command('eval <dir>')
        .description(
          'Investigates cases whose cause is known (alert.json, dump/ or dump.*, expected.json) and scores the answers',
        ),
      'always',
    )
      .option('--runs <number>', 'with --model: how often each case is investigated', '1')
      .option('--case <name...>', 'only these cases (default: all)')
      .option('--out <file>', 'write the scores as JSON')
      .option('--compare <file>', 'scores of an earlier run: which verdicts changed')
      .option('--min-right <percent>', 'exit 1 where fewer are right', '0')
      .option('--max-wrong <percent>', 'exit 1 where more are wrong', '100')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./eval.ts')).evalCommand,
  );
}
