type Row = object;

/** `docs/performance.md` of one run of the benchmarks. */
export function performancePage(report: {
  machine: Row;
  startAndMemory: Row;
  firstStep: Row;
  intake: readonly Row[];
}): string {
  return `# Performance

Written by \`npm run bench -- --markdown docs/performance.md\`. Single figures depend on the machine; the ratios were measured in
one run and are what to compare. All intake is with \`synchronous=FULL\`: an alert is answered after it is on disk.

${table([report.machine])}

## Intake

The ceiling is \`bench/ceiling.ts\`: one process that parses the body and commits one row per alert, and does nothing else: no
authentication, validation, deduplication, labels, history or runs. "Stored only" is a suspended Source: everything but runs.
"With runs" makes a run for each alert and executes it at the same time in the same process. Every alert is a new one, which
is the most expensive case: a repeat writes far less.

${table(report.intake)}

## From webhook to the first step

One alert at a time; from sending the request to the start of the first step.

${table([report.firstStep])}

## Start and memory

From starting the process to the line that says ready; resident memory of the server process.

${table([report.startAndMemory])}
`;
}

function table(rows: readonly Row[]): string {
  const headings = Object.keys(rows[0] ?? {});
  const line = (cells: readonly unknown[]) => `| ${cells.map(String).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n');
}
