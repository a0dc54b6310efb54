import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { fakeCatalog, fakeSource } from '../../test/support/fake-server.ts';
import { waitFor } from '../../test/support/wait.ts';
import { createMetrics } from '../lib/metrics.ts';
import { toTimestamp } from '../core/time.ts';
import { silentLog } from '../lib/silent-log.ts';
import { keepStatuses } from './status-writer.ts';
import type { StatusWriterOptions } from './status-writer.ts';

const object = { metadata: { namespace: 'shop', name: 'alertmanager', generation: 1 } };
const resource = { kind: 'Source', namespace: 'shop', name: 'alertmanager', spec: {}, origin: '', createdAt: null };

async function optionsOf(given: object): Promise<StatusWriterOptions> {
  return {
    resources: {
      current: () => fakeCatalog([fakeSource()]),
      keys: () => ['Source/shop/alertmanager'],
      find: () => ({ object, resource }),
      onChange: () => () => undefined,
    },
    lists: {
      activity: async () => ({ sources: new Map(), sinks: new Map() }),
      runs: async () => ({ items: [], nextCursor: null }),
      runsChangedSince: async () => [],
    },
    learned: { lastModelCheck: async () => null },
    isCurrent: () => true,
    metrics: await createMetrics({ version: 'test' }),
    clock: createFakeClock(),
    random: () => 0.5,
    log: silentLog,
    ...given,
  } as unknown as StatusWriterOptions;
}

test.each([
  [true, 1],
  [false, 0],
])('a status is written only where this process leads after the store has answered, too: %s', async (leads, writes) => {
  let isCurrent = true;
  let written = 0;
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const { promise: activity, resolve: answer } = Promise.withResolvers<never>();
  const options = await optionsOf({
    lists: {
      activity: () => {
        isAsked();
        return activity;
      },
      runs: async () => ({ items: [], nextCursor: null }),
      runsChangedSince: async () => [],
    },
    writer: {
      patchStatus: async () => {
        written += 1;
        return null;
      },
    },
    isCurrent: () => isCurrent,
  });
  const stopping = new AbortController();
  const ended = keepStatuses(options, stopping.signal);
  await asked;
  isCurrent = leads;
  answer({ sources: new Map(), sinks: new Map() } as never);
  await new Promise((resolve) => setImmediate(resolve));
  stopping.abort();
  await ended;
  expect(written).toBe(writes);
});

test('a status that somebody else wrote over, of which nothing tells, is put right after a while', async () => {
  const clock = createFakeClock();
  const looked: unknown[] = [];
  const patchStatus = async (...given: unknown[]): Promise<null> => {
    looked.push(given[3]);
    return null;
  };
  const stopping = new AbortController();
  const ended = keepStatuses(await optionsOf({ clock, writer: { patchStatus } }), stopping.signal);
  await waitFor('the first look', () => looked.length === 1);
  await clock.advance(4 * 60_000);
  expect(looked).toHaveLength(1);
  await clock.advance(70_000);
  await waitFor('the next look', () => looked.length === 2);
  expect(looked[1]).toMatchObject({ current: object });
  stopping.abort();
  await ended;
});

test('a Sink that goes on failing is told of again, as long as it does', async () => {
  const clock = createFakeClock();
  let lastError: string | null = null;
  const object = { metadata: { namespace: 'shop', name: 'log', generation: 1, uid: 'u' } };
  const sink = { kind: 'Sink', namespace: 'shop', name: 'log', spec: {}, origin: '', createdAt: null };
  const told: string[] = [];
  const options = await optionsOf({
    clock,
    resources: {
      current: () => ({ ...fakeCatalog([]), sink: () => ({ ready: true, conditions: [] }) }),
      keys: () => ['Sink/shop/log'],
      find: () => ({ object, resource: sink }),
      onChange: () => () => undefined,
    },
    lists: {
      activity: async () => ({
        sources: new Map(),
        sinks: new Map([['shop/log', { messagesSent: 1, lastSentTime: null, lastError }]]),
      }),
      runsChangedSince: async () => [],
      runsOf: async () => [],
    },
    writer: { patchStatus: async () => null },
    events: { record: ({ uid }: { uid: string }, { reason }: { reason: string }) => told.push(`${uid} ${reason}`) },
  });
  const stopping = new AbortController();
  const ended = keepStatuses(options, stopping.signal);
  await clock.advance(60_000);
  expect(told).toEqual([]);
  lastError = '503';
  await clock.advance(21 * 60_000);
  expect(told).toEqual(Array.from({ length: 4 }, () => 'u SinkFailed'));
  lastError = null;
  await clock.advance(20 * 60_000);
  expect(told).toHaveLength(4);
  stopping.abort();
  await ended;
});

test('in a storm, too, the end of each run is told, however many more alerts have changed', async () => {
  const clock = createFakeClock();
  const workflow = { kind: 'Workflow', namespace: 'shop', name: 'triage', spec: {}, origin: '', createdAt: null };
  const at = toTimestamp(clock.now());
  const ended = Array.from({ length: 1200 }, (_, index) => ({
    kind: 'run',
    id: `r${10_000 + index}`,
    namespace: 'shop',
    name: 'triage',
    at,
    status: 'succeeded',
    errorCode: null,
    agentEvents: 0,
  }));
  let told = 0;
  const options = await optionsOf({
    clock,
    resources: {
      current: () => fakeCatalog([]),
      keys: () => [],
      find: () => ({ object, resource: workflow }),
      onChange: () => () => undefined,
    },
    lists: {
      activity: async () => ({ sources: new Map(), sinks: new Map() }),
      changesSince: async () => null,
      runsChangedSince: async (_since: string, most: number) => (ended.length > most ? null : ended),
      runsEndedAfter: async ({ id }: { readonly id: string }, most: number) =>
        ended.filter((run) => run.id > id).slice(0, most),
      runsOf: async () => [],
    },
    events: {
      record: (_object: unknown, { reason }: { reason: string }) => void (told += Number(reason === 'RunSucceeded')),
    },
  });
  const stopping = new AbortController();
  const finished = keepStatuses(options, stopping.signal);
  await clock.advance(20_000);
  stopping.abort();
  await finished;
  expect(told).toBe(1200);
});
