import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { silentLog } from '../../test/support/engine.ts';
import { fakeCatalog, fakeSource } from '../../test/support/fake-server.ts';
import { createMetrics } from '../lib/metrics.ts';
import { keepStatuses } from './status-writer.ts';
import type { StatusWriterOptions } from './status-writer.ts';

test.each([
  [true, 1],
  [false, 0],
])('a status is written only where this process leads after the store has answered, too: %s', async (leads, writes) => {
  const clock = createFakeClock();
  let isCurrent = true;
  let written = 0;
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const { promise: activity, resolve: answer } = Promise.withResolvers<never>();
  const object = { metadata: { namespace: 'shop', name: 'alertmanager', generation: 1 } };
  const resource = { kind: 'Source', namespace: 'shop', name: 'alertmanager', spec: {}, origin: '', createdAt: null };
  const options = {
    resources: {
      current: () => fakeCatalog([fakeSource()]),
      keys: () => ['Source/shop/alertmanager'],
      find: () => ({ object, resource }),
      onChange: () => () => undefined,
    },
    lists: {
      activity: () => {
        isAsked();
        return activity;
      },
      runs: async () => ({ items: [], nextCursor: null }),
      changesSince: async () => [],
    },
    writer: {
      patchStatus: async () => {
        written += 1;
        return null;
      },
    },
    learned: { lastModelCheck: async () => null },
    isCurrent: () => isCurrent,
    metrics: await createMetrics({ version: 'test' }),
    clock,
    random: () => 0.5,
    log: silentLog,
  } as unknown as StatusWriterOptions;
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
