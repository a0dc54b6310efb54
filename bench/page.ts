type Row = object;

/** One run of the benchmarks, as `bench/results.json` holds it. */
export interface BenchmarkReport {
  readonly machine: Row;
  /** What a reader must know about this run. */
  readonly notes?: readonly string[];
  readonly start: Row[];
  readonly latency: Row[];
  readonly engine: Row[];
  readonly intake: Record<string, readonly Row[]>;
  /** Absent in earlier runs. */
  readonly cost?: Row[];
  readonly storm: Row[];
  readonly recovery: Row[];
  readonly queries: Row[];
  readonly growth: Row[];
  readonly memory: Row[];
  /** These four are absent in earlier runs. */
  readonly agentTurns?: Row[];
  readonly agentConversations?: Row[];
  readonly agentMemory?: Row[];
  readonly agentProviders?: Row[];
  /** Absent where it was never asked for. */
  readonly operator?: Row[];
}

function costPart(cost: readonly Row[] = []): string {
  if (cost.length === 0) return '';
  return `\nWhat new alerts with a run each cost the database, counted for notifications that come one after the other:\n\n${table(cost)}\n`;
}

function agentPart({
  agentTurns = [],
  agentConversations = [],
  agentMemory = [],
  agentProviders = [],
}: BenchmarkReport): string {
  if (agentTurns.length === 0) return '';
  return `
## Conversations with a model

The real server, and a model that answers at once. A turn is measured at the model: from an answer to the next request of the same
conversation, with the calls of tools between them, over a recorded cluster. Its ceiling is the journal alone: the same rows, written by a client of the
database in the same run, one commit each. Processor time is that of the server beyond what the same alerts take with analyzers alone. Statements are
those of a turn with two calls.

${table(agentTurns)}

What conversations come to where a scripted model asks the same about a third of the recorded incidents. A call is wasted where it was
denied or there was nothing.

${table(agentConversations)}

Resident memory of the server, idle and after so many runs, without a model and with one:

${table(agentMemory)}

The first request to a provider loads its SDK, once in a process:

${table(agentProviders)}
`;
}

function operatorPart(operator: readonly Row[] = []): string {
  if (operator.length === 0) return '';
  return `
## Operator

\`fist operator\` on a real API server on the same machine, SQLite (\`npm run bench -- --only operator\`, with \`KUBEBUILDER_ASSETS\`):

${table(operator)}
`;
}

/** `docs/performance.md` of one run of the benchmarks. */
export function performancePage(report: BenchmarkReport): string {
  return `# Performance

Made by \`npm run gen\` of \`bench/results.json\`, which \`npm run bench -- --json bench/results.json\` writes. Single figures depend on
the machine; the ratios were measured in one run and are what to compare. The load generator, the server and PostgreSQL share
the machine. An alert is answered after it is on disk: SQLite with \`synchronous=FULL\`, PostgreSQL with \`fsync\` and
\`synchronous_commit\` on.

${table([report.machine])}
${(report.notes ?? []).map((note) => `\n${note}\n`).join('')}
## Intake

The ceiling is one process that parses the body and commits one row per alert, all that arrived during a commit together, and
does nothing else: no authentication, validation, deduplication, labels, history or runs (\`bench/ceiling.ts\`, and
\`bench/ceiling-postgres.ts\` with one multi-row INSERT). "Stored" is a suspended Source: everything but runs. "With runs" makes a
run for each alert and executes it at the same time in the same process. Every alert is a new one, which is the most expensive
case: a repeat writes far less.

${Object.entries(report.intake)
  .map(([kind, rows]) => `### ${kind}\n\n${table(rows)}`)
  .join('\n\n')}
${costPart(report.cost)}
## Engine

Runs of three trivial steps that end in a second; each run is claimed, journaled step by step and ended.

${table(report.engine)}

From sending the webhook to the start of the first step, one alert at a time:

${table(report.latency)}

## Lists

Median time of an API request, by number of stored alerts.

${table(report.queries)}

## One more alert

Intake over 32 connections, by number of stored alerts.

${table(report.growth)}

## Storm

10,000 notifications a minute of one alert: one row, one run, every one counted.

${table(report.storm)}

## Recovery

\`kill -9\` with runs in work, then a new start. On PostgreSQL runs that were in work at the kill wait for the end of their lease
(30 s), because another replica might hold them.

${table(report.recovery)}

## Start and memory

From starting the process to the line that says ready; resident memory of the server process.

${table(report.start)}

Under a steady load with runs:

${table(report.memory)}
${agentPart(report)}${operatorPart(report.operator)}`;
}

function table(rows: readonly Row[]): string {
  const headings = Object.keys(rows[0] ?? {});
  const line = (cells: readonly unknown[]) => `| ${cells.map(String).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n');
}
