// npm run bench [-- --quick] [-- --only intake,engine] [-- --json FILE]: our figures, the ceiling measured in the same
// run, and the ratio. `bench/results.json` is the last committed run; `npm run gen` makes docs/performance.md of it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { measureScriptedSet } from './agent-conversations.ts';
import { measureAgent } from './agent.ts';
import { measureMemory, measureRecovery, measureStart, measureStorm } from './endurance.ts';
import { measureEngine, measureStartLatency } from './engine.ts';
import { measureGrowth } from './growth.ts';
import { measureIntakeCost } from './intake-cost.ts';
import { measureIntake } from './intake.ts';
import type { BenchmarkReport } from './page.ts';
import { measureOperator } from './operator.ts';
import { measureProviders } from './provider.ts';
import { databaseKinds, withWorld } from './world.ts';
import type { World } from './world.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, only: { type: 'string' } },
});

const sections = [
  'start',
  'latency',
  'engine',
  'intake',
  'cost',
  'storm',
  'recovery',
  'growth',
  'memory',
  'agent',
] as const;
type Section = (typeof sections)[number];

async function measure(world: World, section: Section, report: BenchmarkReport): Promise<void> {
  for (const kind of databaseKinds) {
    switch (section) {
      case 'start':
        report.start.push(await measureStart(world, kind));
        break;
      case 'latency':
        report.latency.push(await measureStartLatency(world, kind));
        break;
      case 'engine':
        report.engine.push(await measureEngine(world, kind));
        break;
      case 'intake':
        report.intake[kind] = await measureIntake(world, kind);
        break;
      case 'cost':
        report.cost?.push(await measureIntakeCost(world, kind));
        break;
      case 'storm':
        report.storm.push(await measureStorm(world, kind));
        break;
      case 'recovery':
        report.recovery.push(await measureRecovery(world, kind));
        break;
      case 'growth': {
        const { queries, alerts } = await measureGrowth(world, kind);
        report.queries.push(...queries);
        report.growth.push(...alerts);
        break;
      }
      case 'memory':
        report.memory.push(await measureMemory(world, kind));
        break;
      case 'agent': {
        const { turns, memory } = await measureAgent(world, kind);
        report.agentTurns?.push(turns);
        report.agentMemory?.push(memory);
        // The same whatever the database.
        if (kind === 'SQLite') {
          report.agentConversations?.push(await measureScriptedSet(world));
          report.agentProviders?.push(...(await measureProviders(world)));
        }
        break;
      }
    }
  }
}

function machine(world: World): object {
  return {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    'memory GB': (totalmem() / 1e9).toFixed(0),
    kernel: release().split('-')[0],
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
    'seconds a measurement': world.seconds,
    'measurements (median shown)': world.rounds,
  };
}

const wanted: readonly string[] = flags.only?.split(',') ?? sections;
await withWorld(flags.quick, async (world) => {
  const report: BenchmarkReport = {
    machine: machine(world),
    start: [],
    latency: [],
    engine: [],
    intake: {},
    cost: [],
    storm: [],
    recovery: [],
    queries: [],
    growth: [],
    memory: [],
    agentTurns: [],
    agentConversations: [],
    agentMemory: [],
    agentProviders: [],
    operator: [],
  };
  console.table([report.machine]);
  for (const section of sections.filter((name) => wanted.includes(name))) {
    const before = JSON.stringify(report);
    await measure(world, section, report);
    show(section, JSON.parse(before) as BenchmarkReport, report);
    keep(report);
  }
  // It needs an API server, so it is measured when it is asked for.
  if (!wanted.includes('operator')) return;
  report.operator?.push(...(await measureOperator()));
  console.table(report.operator);
  keep(report);
});

/** What was measured is kept, whatever happens to the rest. */
function keep(report: BenchmarkReport): void {
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(merged(flags.json, report), null, 2)}\n`);
}

/** Prints the tables that a section added to. */
function show(section: Section, before: BenchmarkReport, after: BenchmarkReport): void {
  console.log(section);
  for (const [name, rows] of Object.entries(after)) {
    const earlier = before[name as keyof BenchmarkReport];
    if (JSON.stringify(rows) === JSON.stringify(earlier)) continue;
    for (const table of name === 'intake' ? Object.values(rows as object) : [rows]) console.table(table);
  }
}

/** With `--only`, the other sections stay as they are in the file, and so does what it says of the machine. */
function merged(file: string, report: BenchmarkReport): BenchmarkReport {
  if (flags.only === undefined || !existsSync(file)) return report;
  const earlier = JSON.parse(readFileSync(file, 'utf8')) as BenchmarkReport;
  const measured = Object.entries(report).filter(([, rows]) => Object.keys(rows as object).length > 0);
  // What was measured before was measured then.
  return { ...earlier, ...Object.fromEntries(measured), machine: earlier.machine };
}
