import { Option } from 'commander';
import type { Command } from 'commander';
import { retentionText } from '../app/retention.ts';
import type { Tie } from './action.ts';
import { clusterOptions } from './investigation-commands.ts';
import { repeated } from './server-options.ts';

/** Commands that run a server. */
export function addServerCommands(program: Command, action: Tie): void {
  action(
    program
      .command('demo')
      .description(
        'The first minute: recorded incidents, no cluster, no key, loopback only, SAMPLE data; ends by itself',
      )
      .option('--ci', 'print NDJSON; exit 0 only if the expected findings came out')
      .option('--fast', 'do not wait for the reader, as where the output is no terminal')
      .option('--story <name>', 'only this story of examples/')
      .option('--keep', 'go on serving after the stories, until Ctrl-C'),
    async () => (await import('./demo.ts')).demo,
  );
  action(
    serverFlags(
      clusterOptions(
        program
          .command('serve')
          .summary('Runs the server on this machine')
          .description(
            'Runs the server on this machine. FIST_TOKEN: token of the API, 16 characters or more; the same for all replicas (default: a file beside the database). LLM_PROVIDER, LLM_MODEL, LLM_ENDPOINT, LLM_API_KEY: the model of Workflows that name none (default: no model)',
          ),
      ),
    )
      .option(
        '--resources <dir>',
        'folder (or file) of Source, Workflow, Sink and Secret documents; watched (default: examples/connect over a recorded cluster, on the first free port from 8080)',
      )
      .option('--secrets-dir <dir>', 'folder with [namespace/]name/key files')
      .option('--allow-exec', 'lets cli steps run processes on this machine', false)
      .option(
        '--allow-mcp-command <path>',
        'lets Workflows run this program as an MCP server; more than once for several',
        repeated,
      ),
    async () => (await import('./serve.ts')).serve,
  );
  action(
    serverFlags(
      program
        .command('operator')
        .summary('Serves the Sources, Workflows and Sinks of a cluster')
        .description(
          'Serves the Sources, Workflows and Sinks of the cluster that it runs in, or that is named; several replicas share a PostgreSQL database, and one of them writes what became of the objects. FIST_TOKEN: token of the API, 16 characters or more; the same for all replicas (default: a file beside the database)',
        ),
    )
      .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: the account of the pod)')
      .option('--context <name>', 'context of it')
      .option('--cluster-name <name>', 'what the cluster label of its alerts says; alerts of others have no cause here')
      .option(
        '-n, --namespace <name>',
        'only objects of this namespace; more than once for several (default: of all)',
        repeated,
      )
      .option(
        '--lease-namespace <name>',
        'where the Lease of the leading replica is (default: that of the pod, else default)',
      )
      .option('--lease-name <name>', 'its name', 'punching-fist')
      .option(
        '--investigate-from <namespace>',
        'Workflows of this namespace may look at all namespaces, and its Sinks make Events in all; more than once for several (default: that of the Lease). Those of others stay in their own',
        repeated,
      )
      .option('--allow-jobs', 'runs commands of Workflows as Jobs in the namespaces of these', false)
      .option(
        '--job-requests <list>',
        'what the containers of these Jobs ask for; empty = nothing',
        'cpu=50m,memory=64Mi',
      )
      .option('--job-limits <list>', 'what they may have; empty = no limits', 'memory=256Mi')
      .option(
        '--job-pull-secret <name>',
        'Secret in the namespace of the Workflow to pull their images with; more than once for several',
        repeated,
      )
      .option(
        '--read-as <namespace/name>',
        'ServiceAccount with whose rights the cluster is investigated, by tokens of ten minutes; none = only Workflows with an account of their own look (default: the rights of the operator)',
      )
      .option(
        '--allow-account <namespace/name>',
        'ServiceAccount that Workflows of its namespace may name, to have the cluster investigated with its rights; more than once for several',
        repeated,
      ),
    async () => (await import('./operator.ts')).operator,
  );
}

/** What every way to run a server takes. */
function serverFlags(command: Command): Command {
  return command
    .option(
      '--db <path|url>',
      'SQLite file or postgres:// URL (default: DATABASE_URL or SQLITE_PATH, else data/punching-fist.db)',
    )
    .option('--listen <host:port>', 'address to listen on (default: SERVER_ADDR, else 127.0.0.1:8080)')
    .option('--public-url <url>', 'how people reach this server, for links in reports')
    .option('--allow-insecure-sources', 'accepts Sources without authentication beyond loopback', false)
    .option('--allow-mcp-start', 'lets assistants that ask at /mcp start investigations, not only read', false)
    .option('--tls-cert <file>', 'certificate to listen with, PEM; read again when it changes')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-client-ca <file>', 'authorities whose client certificates Sources may ask for, PEM')
    .option('--deny-private-destinations', 'Sinks and models may not be at private addresses or on this machine', false)
    .option(
      '--allow-destination <place>',
      'but to this host (or *.suffix), address or network they may; more than once for several',
      repeated,
    )
    .option(
      '--prometheus <url>',
      'metrics as evidence of Workflows that name no Prometheus; FIST_PROMETHEUS_TOKEN: its token',
    )
    .option('--loki <url>', 'logs for the model of Workflows that name no Loki; FIST_LOKI_TOKEN: its token')
    .option('--runbooks <dir>', 'folder of Markdown files that the model of Workflows may read')
    .option('--model-prices <file>', 'JSON with prices of models, before the list prices that come with this version')
    .option(
      '--otlp-endpoint <url>',
      'OpenTelemetry collector (OTLP/HTTP) that is told of runs with a model; OTEL_EXPORTER_OTLP_HEADERS: who sends (default: OTEL_EXPORTER_OTLP_ENDPOINT, else none)',
    )
    .option('--concurrency <runs>', 'runs that execute at the same time, in each replica', '8')
    .option('--retain-runs <limit>', retentionText('runs'))
    .option('--retain-events <limit>', retentionText('events'))
    .option('--retain-dead-letters <limit>', retentionText('dead-letters'))
    .option('--retain-alerts <limit>', retentionText('alerts'))
    .option(
      '--llm-daily-budget <dollars>',
      'what models may cost on a day (UTC), on all replicas (default: LLM_DAILY_BUDGET, else no limit)',
    )
    .option(
      '--llm-daily-tokens <count>',
      'tokens that models may use on a day (UTC), on all replicas (default: LLM_DAILY_TOKENS, else no limit)',
    )
    .option('--drain-timeout <duration>', 'how long a graceful stop may take in all', '25s')
    .addOption(new Option('--log-level <level>', 'debug, info, warn or error').default('info'));
}
