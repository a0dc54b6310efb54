import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../support/wait.ts';
import { changedFacts, countUnfinished, findProblems, readSnapshot } from './checker.ts';
import type { Snapshot } from './checker.ts';
import { canaryPassword } from './replicas.ts';
import type { Replica, Replicas } from './replicas.ts';
import { add } from './traffic.ts';
import type { Ledger } from './traffic.ts';

/** What was read of the tables on the way, and what has changed since that must not. */
export interface Witness {
  /** Reads the tables, and compares them with what was read before. */
  look(): Promise<void>;
  last(): Snapshot | null;
  readonly problems: readonly string[];
}

export function createWitness({ sandbox }: Replicas): Witness {
  const problems: string[] = [];
  let last: Snapshot | null = null;
  return {
    problems,
    last: () => last,
    async look() {
      const now = await readSnapshot(sandbox.database);
      if (last !== null) problems.push(...changedFacts(last, now));
      last = now;
    },
  };
}

/**
 * When nothing comes in any more and all replicas are well: everything comes to its end, nothing is lost, nothing was
 * committed twice. All broken promises in words.
 */
export async function findReplicaProblems(
  replicas: Replicas,
  ledger: Ledger,
  witness: Witness,
  withinMs = 100_000,
): Promise<readonly string[]> {
  const { sandbox, all } = replicas;
  const isDone = async () => (await countUnfinished(sandbox.database)) === 0;
  const ended = await waitFor('every run and delivery to end', isDone, { withinMs, everyMs: 250 }).catch(() => false);
  // What a late copy would still do.
  await sleep(1000);
  await witness.look();
  const stops = await Promise.allSettled(all.map((replica) => replica.stop()));
  await witness.look();
  const snapshot = witness.last();
  return [
    ...(ended ? [] : [`not everything ended within ${withinMs} ms`]),
    ...stops.flatMap((stop) => (stop.status === 'rejected' ? [String(stop.reason)] : [])),
    ...witness.problems,
    ...(snapshot === null ? [] : findProblems(sandbox, ledger, snapshot)),
    ...(await duplicates(replicas)),
    ...all.flatMap(logProblems),
    ...endedTwice(all),
    ...tickedTwice(replicas),
  ];
}

/** One row for each alert, one run for each episode: whatever the indexes say. */
async function duplicates({ sandbox }: Replicas): Promise<readonly string[]> {
  const twice = async (what: string, columns: string, from: string): Promise<readonly string[]> => {
    const rows = await sandbox.database.query(
      `SELECT ${columns}, count(*) AS n FROM ${from} GROUP BY ${columns} HAVING count(*) > 1`,
    );
    return rows.map((row) => `${what} is there ${String(row['n'])} times: ${JSON.stringify(row)}`);
  };
  return [
    ...(await twice('an alert', "labels->>'id'", 'alerts')),
    ...(await twice('a run', 'alert_id, episode, name, namespace', 'workflows WHERE retry_of IS NULL')),
    ...(await twice(
      'a delivery',
      'workflow_id, alert_id, event, sink_name',
      'sink_outputs WHERE workflow_id IS NOT NULL',
    )),
    ...(await twice('a success', 'workflow_id, path', "workflow_steps WHERE status = 'succeeded'")),
  ];
}

/** What no replica may ever write. */
function logProblems(replica: Replica): readonly string[] {
  const { name } = replica;
  const forbidden = [
    'run-stuck',
    'runs-overdue',
    'delivery-stuck',
    'orphaned-slots-freed',
    'step-defect',
    'could not stop cleanly',
  ];
  const ended = replica.endedByItself();
  return [
    ...(ended === null ? [] : [ended]),
    ...replica
      .log()
      .filter((line) => forbidden.includes(String(line['message'])) || isDefect(line['error']))
      .map((line) => `${name} wrote ${JSON.stringify(line).slice(0, 1500)}`),
    ...(replica.output().includes(canaryPassword) ? [`${name} wrote the password of the database`] : []),
  ];
}

/** Errors that the program knows come without a stack. */
function isDefect(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'stack' in error;
}

/** The end of a run is announced in the log after its commit: by one replica. */
function endedTwice(all: readonly Replica[]): readonly string[] {
  const ends = new Map<string, number>();
  for (const line of all.flatMap((replica) => replica.log())) {
    if (line['message'] !== 'run-ended') continue;
    add(ends, String(line['run']));
  }
  return [...ends].flatMap(([run, count]) => (count > 1 ? [`run ${run} was ended ${count} times`] : []));
}

/** What one replica does for all in each minute. */
function tickedTwice(replicas: Replicas): readonly string[] {
  return [...countTicks(replicas)].flatMap(([tick, count]) =>
    count > 1 ? [`tick ${tick} was done ${count} times`] : [],
  );
}

/** By name and minute, how many replicas did it. */
export function countTicks(replicas: Replicas): ReadonlyMap<string, number> {
  const ticks = new Map<string, number>();
  for (const line of linesOf(replicas, 'tick')) add(ticks, `${String(line['tick'])} ${String(line['at'])}`);
  return ticks;
}

/** Lines of the log with this message, of all lives of all replicas. */
export function linesOf({ all }: Replicas, message: string): readonly Readonly<Record<string, unknown>>[] {
  return all.flatMap((replica) => replica.log()).filter((line) => line['message'] === message);
}
