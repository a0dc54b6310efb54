import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import { logLines, readyUrl } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { changedFacts, countUnfinished, findProblems, readSnapshot } from './checker.ts';
import type { Snapshot } from './checker.ts';
import { webhookToken } from './sandbox.ts';
import type { Sandbox } from './sandbox.ts';
import { acknowledge, add, createLedger, firstNotification, startTraffic } from './traffic.ts';
import type { Ledger, Mix } from './traffic.ts';

/** Several lives of a server over one database, what was sent to it, and what the database said after the last death. */
export interface Story {
  readonly sandbox: Sandbox;
  readonly ledger: Ledger;
  /** Of the traffic, which draws as often as the machine has time for. */
  readonly random: Random;
  /** Of when it dies: drawn apart, so that it lives for the same alerts on each machine. */
  readonly deaths: Random;
  /** After the last death; null before the first. */
  snapshot: Snapshot | null;
  /** Facts that a crash has changed. */
  readonly problems: string[];
}

export function beginStory(sandbox: Sandbox, random: Random): Story {
  const deaths = createRandom(random.between(0, 2 ** 31));
  return { sandbox, ledger: createLedger(), random, deaths, snapshot: null, problems: [] };
}

/** One life that ends at a named crash point, while alerts come in. Rejects when the point is not reached. */
export async function dieAt(
  story: Story,
  crashAt: string,
  { slow = false, people = true, timeoutMs = 60_000 } = {},
): Promise<void> {
  const { sandbox, ledger, random } = story;
  const process = sandbox.spawn(crashAt);
  const server = await readyOrEnded(process, sandbox);
  if (server !== null) {
    const traffic = startTraffic(server, ledger, { random, connections: 3, slow, people });
    const timer = new AbortController();
    await Promise.race([process.exited, sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    if (process.exitStatus() === null) await process.kill();
    await traffic.stop();
  }
  const { signal } = await process.exited;
  const hit = logLines(process.stderr()).some((line) => line['message'] === 'crash point');
  if (signal !== 'SIGKILL' || !hit)
    throw new Error(`crash point ${crashAt} was never reached\n${process.stderr().slice(-4000)}`);
  await remember(story);
}

/** One life that is ended by kill -9 when it has answered an alert. */
export async function dieAfterAnswer(story: Story): Promise<void> {
  const { sandbox, ledger } = story;
  const process = sandbox.spawn();
  const server = await sandbox.whenReady(process);
  const { ids, body } = firstNotification(ledger, 'early');
  for (const id of ids) add(ledger.sent, id);
  const { status } = await server.post('/webhook/crash', body, webhookToken);
  if (status !== 200) throw new Error(`the alert was answered ${status}\n${process.stderr().slice(-4000)}`);
  acknowledge(ledger, ids);
  await process.kill();
  await remember(story);
}

/**
 * One life that is ended by kill -9 at a random moment: mostly under load, sometimes while it starts. `mostAlerts` are
 * acknowledged before, and a few more.
 */
export async function dieAtRandom(
  story: Story,
  { mostAlerts = 30, connections = 4, mix }: { mostAlerts?: number; connections?: number; mix?: Mix } = {},
): Promise<void> {
  const { sandbox, ledger, random, deaths } = story;
  const process = sandbox.spawn();
  if (deaths.next() < 0.15) {
    await sleep(deaths.between(50, 600));
  } else {
    const server = await readyOrEnded(process, sandbox);
    if (server === null) throw new Error(`the server ended by itself\n${process.stderr()}`);
    const traffic = startTraffic(server, ledger, { random, connections, ...(mix === undefined ? {} : { mix }) });
    // So many answers first, so that a loaded machine tests the same as an idle one.
    const answers = ledger.answers + deaths.between(3, mostAlerts);
    await waitFor('answers', () => ledger.answers >= answers, { everyMs: 1, explain: () => process.stderr() });
    await sleep(deaths.between(0, 200));
    await process.kill();
    await traffic.stop();
  }
  const { signal } = await process.kill();
  if (signal !== 'SIGKILL') throw new Error(`the server ended by itself\n${process.stderr()}`);
  await remember(story);
}

/** One life that is stopped by SIGTERM under load. Rejects where it does not end with 0. */
export async function stopGracefully(story: Story): Promise<void> {
  const { sandbox, ledger, random } = story;
  const process = sandbox.spawn();
  const server = await sandbox.whenReady(process);
  const traffic = startTraffic(server, ledger, { random, connections: 4 });
  await sleep(random.between(100, 800));
  const { code, signal } = await process.stop();
  await traffic.stop();
  if (code !== 0) throw new Error(`the server ended with ${code ?? signal}\n${process.stderr().slice(-4000)}`);
  await remember(story);
}

/**
 * The last life: nothing crashes, nothing comes in; everything must come to its end without help. A lease of a dead
 * process on PostgreSQL ends 30 s later.
 */
export async function findProblemsAtTheEnd(story: Story, withinMs = 80_000): Promise<readonly string[]> {
  const { sandbox, ledger } = story;
  const process = sandbox.spawn();
  const server = await sandbox.whenReady(process);
  const ended = await waitFor(
    'every run and delivery to end',
    async () => (await countUnfinished(sandbox.database)) === 0,
    {
      withinMs,
      explain: () => process.stderr().slice(-4000),
    },
  ).catch(() => false);
  const stuck = String((await server.api('GET', '/metrics')).body).match(/^fist_runs_stuck_total.* [1-9]\d*$/gm) ?? [];
  const status = await process.stop();
  await remember(story);
  return [
    ...(ended ? [] : [`not everything ended within ${withinMs} ms`]),
    ...stuck,
    ...(status.code === 0 ? [] : [`the server ended with ${JSON.stringify(status)}\n${process.stderr().slice(-2000)}`]),
    ...story.problems,
    ...(story.snapshot === null ? ['there is no database'] : findProblems(sandbox, ledger, story.snapshot)),
  ];
}

async function readyOrEnded(process: RunningProcess, sandbox: Sandbox): Promise<TestServer | null> {
  const up = await waitFor('ready, or the end', () => readyUrl(process.stderr()) ?? process.exitStatus(), {
    timeoutMs: 20_000,
    everyMs: 5,
  });
  return typeof up === 'string' ? sandbox.whenReady(process) : null;
}

/** Compares with the snapshot before: what is compared from each to the next holds from the first to the last. */
async function remember(story: Story): Promise<void> {
  const { database } = story.sandbox;
  if (!(await database.exists())) return;
  const now = await readSnapshot(database);
  if (story.snapshot !== null) story.problems.push(...changedFacts(story.snapshot, now));
  story.snapshot = now;
}
