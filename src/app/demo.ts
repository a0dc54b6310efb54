import { noReaders } from './readers.ts';
import { noModelDefaults } from '../agent/models/choose.ts';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { labelledObject } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { IntakeAnswer } from '../core/event.ts';
import type { AgentResult } from '../core/finding.ts';
import type { HttpClient, Log } from '../core/ports.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import { keepEverything } from '../core/retention.ts';
import { formatDuration } from '../lib/duration.ts';
import { createHttpClient } from '../lib/http.ts';
import { keepUntilRemoved } from '../lib/temporary.ts';
import { createApp } from './createApp.ts';
import type { App } from './createApp.ts';
import type { DemoEvent } from './demo-event.ts';
import { compareWithExpected } from './expected.ts';
import type { Expected } from './expected.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const runLimitMs = 30_000;
const secretName = 'alertmanager-token';

export interface DemoOptions {
  /** null = all of them. */
  readonly story: string | null;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The next event waits for it. */
  readonly tell: (event: DemoEvent) => Promise<void>;
  /** Called while the last story's server still runs. */
  readonly beforeEnd?: (app: App) => Promise<void>;
}

/** The stories: folders of `examples/` that have a dump and the findings that are expected of it. */
export function listStories(): readonly string[] {
  const complete = ['expected.json', 'dump', 'resources.yaml', 'alerts/firing.json'];
  const stories = readdirSync(examples).filter((name) =>
    complete.every((part) => existsSync(join(examples, name, part))),
  );
  // The three that show most come first.
  const first = ['oom-crash-loop', 'bad-rollout', 'log-injection'];
  return [...first.filter((name) => stories.includes(name)), ...stories.filter((name) => !first.includes(name)).sort()];
}

/**
 * Plays the stories: for each, the real server on a free loopback port over the recorded folder, fed with the recorded
 * notifications. Returns whether every story came out as expected. Everything it writes is in a temporary directory.
 */
export async function playDemo(options: DemoOptions): Promise<boolean> {
  const stories = chooseStories(options.story);
  let allAsExpected = true;
  for (const [index, story] of stories.entries()) {
    options.signal.throwIfAborted();
    const last = index === stories.length - 1;
    const place = { number: index + 1, stories: stories.length };
    const problems = await playStory(story, place, options, last ? options.beforeEnd : undefined);
    await options.tell({ event: 'checked', story, problems });
    if (problems.length > 0) allAsExpected = false;
  }
  return allAsExpected;
}

function chooseStories(story: string | null): readonly string[] {
  const stories = listStories();
  if (story === null) return stories;
  if (stories.includes(story)) return [story];
  throw new AppError('InvalidInput', `there is no story ${story}`, {
    field: '--story',
    next: `one of ${stories.join(', ')}`,
  });
}

async function playStory(
  story: string,
  place: { readonly number: number; readonly stories: number },
  options: DemoOptions,
  beforeEnd?: (app: App) => Promise<void>,
): Promise<readonly string[]> {
  const folder = join(examples, story);
  const temporary = mkdtempSync(join(tmpdir(), 'fist-demo-'));
  // Also where nobody reads the stories to their end.
  const forget = keepUntilRemoved(temporary);
  const token = writeToken(temporary);
  let delivered = 0;
  try {
    const app = await createApp(
      {
        resources: join(folder, 'resources.yaml'),
        database: join(temporary, 'demo.db'),
        host: '127.0.0.1',
        port: 0,
        operator: null,
        dump: join(folder, 'dump'),
        kubeconfig: null,
        clusterName: null,
        context: null,
        secretsDirectory: join(temporary, 'secrets'),
        publicUrl: null,
        allowExec: false,
        mcpCommands: [],
        allowInsecureSources: false,
        allowMcpStart: false,
        tls: null,
        destinations: { allowPrivate: true },
        models: noModelDefaults,
        modelPrices: null,
        concurrency: 4,
        drainMs: 2000,
        modelBudget: null,
        readers: noReaders,
        retention: keepEverything,
        token: null,
      },
      { log: options.log, writeStdout: (text) => void (delivered += Buffer.byteLength(text)) },
    );
    try {
      await options.tell({ event: 'story-started', story, title: readTitle(folder), url: app.url, ...place });
      const teller = { ...options, story, delivered: () => delivered };
      const problems = await feed(app, folder, token, teller);
      await beforeEnd?.(app);
      return problems;
    } finally {
      await app.stop();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    forget();
  }
}

function writeToken(temporary: string): string {
  const token = randomBytes(16).toString('hex');
  mkdirSync(join(temporary, 'secrets', secretName), { recursive: true });
  writeFileSync(join(temporary, 'secrets', secretName, 'token'), token, { mode: 0o600 });
  return token;
}

function readTitle(folder: string): string {
  return /^# (.+)$/m.exec(readFileSync(join(folder, 'README.md'), 'utf8'))?.[1] ?? folder;
}

interface Teller extends DemoOptions {
  readonly story: string;
  readonly delivered: () => number;
}

/** Sends what Alertmanager sent, and looks at what became of it through the API. */
async function feed(app: App, folder: string, token: string, teller: Teller): Promise<readonly string[]> {
  const api = storyApi(app, createHttpClient());
  await send(api, app, folder, token, 'firing', teller);
  await send(api, app, folder, token, 'repeat', teller);
  const runs = await ended<RunRecord>(api, 'runs', (run) => run.completedAt !== null, teller.signal);
  await tellAlerts(api, teller);
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
  const problems: (readonly string[])[] = [];
  let causeBefore: string | null | undefined;
  for (const { id } of runs) {
    const { cause, differences } = await tellRun(api, id, expected, causeBefore, teller);
    causeBefore = cause;
    problems.push(differences);
  }
  await send(api, app, folder, token, 'resolved', teller);
  await tellAlerts(api, teller);
  await tellDeliveries(api, teller);
  // One of the alerts of a notification is the one that the expectation names; the others may say less.
  return problems.find((list) => list.length === 0) ?? problems[0] ?? ['nothing ran'];
}

/** Tells a run's steps and its report, or that its cause is the one told before. */
async function tellRun(
  api: StoryApi,
  id: string,
  expected: Expected,
  causeBefore: string | null | undefined,
  { story, tell }: Teller,
) {
  const run = (await api.get(`/api/v1/runs/${id}`)) as RunRecord & { steps: readonly StepRecord[] };
  const result = run.steps
    .map((step) => step.result as unknown as Partial<AgentResult> | null)
    .findLast((value) => typeof value?.report === 'string') as AgentResult | undefined;
  if (result === undefined)
    return { cause: null, differences: [`run ${id} has no report: ${run.error ?? run.status}`] };
  if (result.root_cause === causeBefore) {
    await tell({ event: 'same-result', story, run: id });
  } else {
    for (const { name, type, status, startedAt, completedAt } of run.steps) {
      await tell({ event: 'step', story, name, type, status, durationMs: elapsedMs(startedAt, completedAt) });
    }
    await tell({
      event: 'investigated',
      story,
      result,
      run: id,
      durationMs: elapsedMs(run.startedAt, run.completedAt),
    });
  }
  const failed = run.status === 'succeeded' ? [] : [`the run ${run.status}: ${run.error}`];
  return { cause: result.root_cause, differences: [...failed, ...compareWithExpected(result, expected)] };
}

interface StoryApi {
  get(path: string): Promise<unknown>;
  post(path: string, body: string, token: string): Promise<unknown>;
}

function storyApi(app: App, http: HttpClient): StoryApi {
  async function call(method: string, path: string, token: string, body?: string): Promise<unknown> {
    const response = await http.send({
      method,
      url: app.url + path,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
      timeoutMs: 10_000,
      maxResponseBytes: 64 * 1024 * 1024,
    });
    if (response.status >= 300) throw new AppError('Internal', `${path} answered ${response.status}: ${response.body}`);
    return JSON.parse(response.body) as unknown;
  }
  return { get: (path) => call('GET', path, app.token), post: (path, body, token) => call('POST', path, token, body) };
}

async function send(
  api: StoryApi,
  app: App,
  folder: string,
  token: string,
  kind: string,
  { story, tell }: Teller,
): Promise<void> {
  const path = app.catalog().sources[0]?.path ?? '';
  const body = readFileSync(join(folder, 'alerts', `${kind}.json`), 'utf8');
  const answer = (await api.post(`/webhook/${path}`, body, token)) as IntakeAnswer;
  await tell({ event: 'notification-sent', story, kind, answer });
}

/** All items of a list, oldest first, once there are some and all of them ended. */
async function ended<T>(
  api: StoryApi,
  noun: string,
  isEnded: (item: T) => boolean,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const limit = performance.now() + runLimitMs;
  for (;;) {
    signal.throwIfAborted();
    const { items } = (await api.get(`/api/v1/${noun}`)) as { items: readonly T[] };
    if (items.length > 0 && items.every(isEnded)) return items.toReversed();
    if (performance.now() > limit)
      throw new AppError('Timeout', `the ${noun} did not end within ${formatDuration(runLimitMs)}`);
    await sleep(25);
  }
}

async function tellAlerts(api: StoryApi, { story, tell }: Teller): Promise<void> {
  const { items } = (await api.get('/api/v1/alerts')) as {
    items: readonly { name: string; status: string; receiveCount: number; labels: Record<string, string> }[];
  };
  // Those of one notification changed in the same moment.
  const byName = items.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  for (const { name, status, receiveCount, labels } of byName) {
    await tell({ event: 'alert', story, name, status, receiveCount, object: labelledObject(labels) });
  }
}

async function tellDeliveries(api: StoryApi, { story, tell, delivered, signal }: Teller): Promise<void> {
  const items = await ended<DeliveryRecord>(api, 'deliveries', (delivery) => delivery.status !== 'pending', signal);
  const sent = items.filter((item) => item.status === 'sent').length;
  await tell({ event: 'deliveries', story, sent, total: items.length, bytes: delivered() });
}

function elapsedMs(from: string | null, to: string | null): number {
  return from === null || to === null ? 0 : Date.parse(to) - Date.parse(from);
}
