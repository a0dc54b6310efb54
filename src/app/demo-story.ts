import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { labelledObject } from '../core/alert.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { IntakeAnswer } from '../core/event.ts';
import type { AgentResult } from '../core/finding.ts';
import type { HttpClient } from '../core/ports.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import { formatDuration } from '../lib/duration.ts';
import { createHttpClient } from '../lib/http.ts';
import { webhookAddress } from '../lib/webhook-path.ts';
import type { TracedEvent } from './agent-trace.ts';
import type { App } from './app.ts';
import type { DemoOptions } from './demo.ts';
import { tellModel } from './demo-model.ts';
import { compareWithExpected } from './expected.ts';
import type { Expected } from './expected.ts';

const runLimitMs = 30_000;

/** Hears what happens in a story. */
interface Teller extends Pick<DemoOptions, 'signal' | 'tell'> {
  readonly story: string;
  /** Bytes that Sinks printed until now. */
  readonly delivered: () => number;
}

/** Sends what Alertmanager sent, and looks at what became of it through the API. Returns what is not as expected. */
export async function feed(app: App, folder: string, token: string, teller: Teller): Promise<readonly string[]> {
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
    if (run.agentEvents > 0) await tellModel(await agentEvents(api, id), { story, tell });
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

/** What a run and its model said to each other; a story has less than a page of it. */
async function agentEvents(api: StoryApi, id: string): Promise<readonly TracedEvent[]> {
  const { items } = (await api.get(`/api/v1/runs/${id}/agent-events?limit=200`)) as { items: readonly TracedEvent[] };
  return items;
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
  const answer = (await api.post(webhookAddress(path), body, token)) as IntakeAnswer;
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
