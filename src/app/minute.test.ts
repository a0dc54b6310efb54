import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { silentLog } from '../lib/silent-log.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import type { AlertSweep } from '../intake/sweep.ts';
import { startMinuteWork } from './minute.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const metrics: Metrics = { increment: () => undefined, observe: () => undefined, set: () => undefined };

/** The minute's work over a store whose transactions are noted and fail where `fail` says so; errors are noted as well. */
function begin(sweep: Partial<AlertSweep>, fail: (transaction: string) => boolean = () => false) {
  const clock = createFakeClock('2026-01-01T00:00:10.000Z');
  const opened = openSqliteStore({ path: ':memory:' });
  cleanup.defer(() => opened.close());
  const told: string[] = [];
  const store: Store = {
    ...opened,
    transaction(name, work) {
      told.push(name);
      return fail(name) ? Promise.reject(new Error(`no ${name}`)) : opened.transaction(name, work);
    },
  };
  const log: Log = {
    ...silentLog,
    error: (fields) => void told.push(`failed ${String(fields['job'])}`),
    child: () => log,
  };
  const done = (job: string) => async () => {
    told.push(job);
    return 0;
  };
  const work = startMinuteWork({
    store,
    clock,
    log,
    metrics,
    sweep: { expire: done('expire'), resume: done('resume'), ...sweep },
  });
  cleanup.defer(() => work.stop());
  return { clock, told, work };
}

test('a job that fails is logged by its name and keeps no other from its turn', async () => {
  const { clock, told } = begin({ expire: () => Promise.reject(new Error('not this time')) });
  await clock.advance(0);
  expect(told).toEqual(['tick', 'failed expire', 'resume', 'audit', 'audit']);
  await clock.advance(50_000);
  expect(told.slice(5)).toEqual(['tick', 'failed expire', 'resume', 'audit', 'audit']);
});

test('so do the audits', async () => {
  const { clock, told } = begin({}, (transaction) => transaction === 'audit');
  await clock.advance(0);
  expect(told).toEqual(['tick', 'expire', 'resume', 'audit', 'failed audit-runs', 'audit', 'failed audit-deliveries']);
});

test('a stop ends the sweep that is under way, and no other job begins', async () => {
  const { clock, told, work } = begin({
    expire: (signal) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve(1));
      }),
  });
  await clock.advance(0);
  expect(told).toEqual(['tick']);
  await work.stop();
  expect(told).toEqual(['tick']);
});
