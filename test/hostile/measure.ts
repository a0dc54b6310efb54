import { startProcess } from '../support/processes.ts';
import type { Cleanup } from '../support/cleanup.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import type { HostileInput } from './define.ts';
import type { HonestAnswer, HonestPlan } from './honest-sender.ts';
import { honestPath, honestToken } from './world.ts';
import type { World } from './world.ts';

const perSecond = 20;

/** What the honest sender got while something hostile was going on, and how long the event loop was held. */
export interface Measured {
  readonly name: string;
  /** What the input itself found wrong; null = nothing. */
  readonly failure: string | null;
  readonly answers: number;
  /** Outcomes other than 200. */
  readonly wrong: readonly string[];
  /** How long they took, without the time in which the machine had no processor for the server. */
  readonly p99Ms: number;
  /** With it. */
  readonly p99AllMs: number;
  /** The longest stretch of work between two turns of the loop, in processor time; 0 = none of 25 ms or more. */
  readonly stretchMs: number;
  /** `fist_event_loop_delay_seconds`: samples of more than 50 ms, and the bucket of the longest. */
  readonly late: number;
  readonly mostDelaySeconds: number;
}

export interface HonestSender {
  answers(): readonly HonestAnswer[];
  /** Waits until it has got so many answers more. */
  more(count: number): Promise<void>;
  /** Ends it when its last answer is in. */
  stop(): Promise<void>;
}

export function startHonestSender(cleanup: Cleanup, server: TestServer): HonestSender {
  const plan: HonestPlan = {
    url: `${server.url}/webhook/${honestPath}`,
    token: honestToken,
    perSecond,
    pid: server.process.pid,
  };
  const sender = startProcess(process.execPath, ['test/hostile/honest-sender.ts', JSON.stringify(plan)]);
  cleanup.defer(() => sender.kill());
  const answers = () => linesOf(sender.stdout()) as readonly HonestAnswer[];
  return {
    answers,
    async more(count) {
      const wanted = answers().length + count;
      await waitFor('the honest sender to be answered', () => answers().length >= wanted, {
        timeoutMs: 120_000,
        explain: () => sender.stderr(),
      });
    },
    async stop() {
      await sender.stop(70_000);
    },
  };
}

/** Sends one input beside the honest sender; until that one has had `leastAnswers` and what was started has ended. */
export async function measure(
  world: World,
  sender: HonestSender,
  input: HostileInput,
  leastAnswers: number,
): Promise<Measured> {
  const { hostile } = world;
  const { server } = hostile;
  const before = await readDelays(server);
  const from = Date.now();
  const enough = sender.more(leastAnswers);
  const failure = await input.run(hostile).then(
    () => null,
    (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
  await enough;
  await hostile.settled();
  const until = Date.now();
  const answers = sender.answers().filter(({ at, tookMs }) => at + tookMs >= from && at <= until);
  const delays = delaysBetween(before, await readDelays(server));
  return {
    name: input.name,
    failure,
    answers: answers.length,
    wrong: answers.map(({ outcome }) => outcome).filter((outcome) => outcome !== '200'),
    p99Ms: p99(answers.map(({ tookMs, queuedMs }) => tookMs - queuedMs)),
    p99AllMs: p99(answers.map(({ tookMs }) => tookMs)),
    stretchMs: Math.round(longestStretch(server, from, until)),
    ...delays,
  };
}

function p99(milliseconds: readonly number[]): number {
  const sorted = milliseconds.toSorted((one, other) => one - other);
  return Math.round(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0);
}

interface Stretch {
  readonly at: number;
  readonly stretchMs: number;
}

function longestStretch(server: TestServer, from: number, until: number): number {
  return (linesOf(server.process.stdout()) as readonly Stretch[])
    .filter(({ at, stretchMs }) => stretchMs !== undefined && at >= from && at <= until)
    .reduce((longest, { stretchMs }) => Math.max(longest, stretchMs), 0);
}

/** The lines that the sender and the preloaded watch print; a server prints others too. */
function linesOf(text: string): readonly unknown[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line.startsWith('{"at":') ? [JSON.parse(line) as unknown] : []));
}

/** Samples by upper bound of their bucket, each with those of the smaller ones. */
type Delays = ReadonlyMap<number, number>;

async function readDelays(server: TestServer): Promise<Delays> {
  const text = String((await server.api('GET', '/metrics')).body);
  const lines = text.matchAll(/^fist_event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  const delays = new Map(
    [...lines].map(([, bound, count]) => [Number(bound?.replace('+Inf', 'Infinity')), Number(count)]),
  );
  if (delays.size === 0) throw new Error('there is no fist_event_loop_delay_seconds');
  return delays;
}

function delaysBetween(before: Delays, after: Delays): Pick<Measured, 'late' | 'mostDelaySeconds'> {
  const counts = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const);
  const all = counts.at(-1)?.[1] ?? 0;
  const inTime = counts.find(([bound]) => bound === 0.05)?.[1] ?? 0;
  return { late: all - inTime, mostDelaySeconds: counts.find(([, count]) => count === all)?.[0] ?? 0 };
}

/** What was measured, as a table. */
export function measuredTable(rows: readonly Measured[]): string {
  const cells = rows.map((row) => [
    row.name,
    String(row.answers),
    String(row.wrong.length),
    String(row.p99Ms),
    String(row.p99AllMs),
    String(row.stretchMs),
    String(row.late),
    String(row.mostDelaySeconds),
    row.failure === null ? '' : (row.failure.split('\n')[0] ?? ''),
  ]);
  const head = [
    'input',
    'honest',
    'wrong',
    'p99 ms',
    'p99 of all ms',
    'stretch ms',
    '> 50 ms',
    'delay s <=',
    'failure',
  ];
  const widths = head.map((name, at) => Math.max(name.length, ...cells.map((row) => row[at]?.length ?? 0)));
  return [head, ...cells]
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    )
    .join('\n');
}
