import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '../support/processes.ts';
import type { Random } from '../support/random.ts';
import { logLines, readyUrl, whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { countUnfinished, findProblems, readSnapshot } from './checker.ts';
import type { Snapshot } from './checker.ts';
import type { Sandbox } from './sandbox.ts';
import { createLedger, startTraffic } from './traffic.ts';
import type { Ledger } from './traffic.ts';

/** Several lives of a server over one database, what was sent to it, and what the database said after each death. */
export interface Story {
  readonly sandbox: Sandbox;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly snapshots: Snapshot[];
}

export function beginStory(sandbox: Sandbox, random: Random): Story {
  return { sandbox, ledger: createLedger(), random, snapshots: [] };
}

/** One life that ends at a named crash point, while alerts come in. Rejects when the point is not reached. */
export async function dieAt(story: Story, crashAt: string, { slow = false, timeoutMs = 20_000 } = {}): Promise<void> {
  const { sandbox, ledger, random } = story;
  const process = sandbox.spawn(crashAt);
  const server = await readyOrEnded(process, sandbox.database);
  if (server !== null) {
    const traffic = startTraffic(server, ledger, { random, connections: 3, slow });
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
  remember(story);
}

/** One life that is ended by kill -9 at a random moment: mostly under load, sometimes while it starts. */
export async function dieAtRandom(story: Story): Promise<void> {
  const { sandbox, ledger, random } = story;
  const process = sandbox.spawn();
  if (random.next() < 0.15) {
    await sleep(random.between(50, 600));
  } else {
    const server = await readyOrEnded(process, sandbox.database);
    if (server === null) throw new Error(`the server ended by itself\n${process.stderr()}`);
    const traffic = startTraffic(server, ledger, { random, connections: 4 });
    // So many answers first, so that a loaded machine tests the same as an idle one.
    const answers = countAnswers(ledger) + random.between(3, 30);
    await waitFor('answers', () => countAnswers(ledger) >= answers, { everyMs: 1, explain: () => process.stderr() });
    await sleep(random.between(0, 200));
    await process.kill();
    await traffic.stop();
  }
  const { signal } = await process.kill();
  if (signal !== 'SIGKILL') throw new Error(`the server ended by itself\n${process.stderr()}`);
  remember(story);
}

/** One life that is stopped by SIGTERM under load. Rejects where it does not end with 0. */
export async function stopGracefully(story: Story): Promise<void> {
  const { sandbox, ledger, random } = story;
  const process = sandbox.spawn();
  const server = await whenReady(process, sandbox.database);
  const traffic = startTraffic(server, ledger, { random, connections: 4 });
  await sleep(random.between(100, 800));
  const { code, signal } = await process.stop();
  await traffic.stop();
  if (code !== 0) throw new Error(`the server ended with ${code ?? signal}\n${process.stderr().slice(-4000)}`);
  remember(story);
}

/** The last life: nothing crashes, nothing comes in; everything must come to its end without help. */
export async function findProblemsAtTheEnd(story: Story): Promise<readonly string[]> {
  const { sandbox, ledger, snapshots } = story;
  const process = sandbox.spawn();
  const server = await whenReady(process, sandbox.database);
  const ended = await waitFor('every run and delivery to end', () => countUnfinished(sandbox.database) === 0, {
    timeoutMs: 40_000,
    explain: () => process.stderr().slice(-4000),
  }).catch(() => false);
  const stuck = String((await server.api('GET', '/metrics')).body).match(/^fist_runs_stuck_total.* [1-9]\d*$/gm) ?? [];
  const status = await process.stop();
  return [
    ...(ended ? [] : ['not everything ended within 40 s']),
    ...stuck,
    ...(status.code === 0 ? [] : [`the server ended with ${JSON.stringify(status)}\n${process.stderr().slice(-2000)}`]),
    ...findProblems(sandbox, ledger, snapshots),
  ];
}

async function readyOrEnded(process: RunningProcess, database: string) {
  const up = await waitFor('ready, or the end', () => readyUrl(process.stderr()) ?? process.exitStatus(), {
    timeoutMs: 20_000,
    everyMs: 5,
  });
  return typeof up === 'string' ? whenReady(process, database) : null;
}

function countAnswers(ledger: Ledger): number {
  return [...ledger.acknowledged.values()].reduce((sum, count) => sum + count, 0);
}

function remember(story: Story): void {
  if (existsSync(story.sandbox.database)) story.snapshots.push(readSnapshot(story.sandbox.database));
}
