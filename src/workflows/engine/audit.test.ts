import { expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { planOf, runRecord, silentLog, step } from '../../../test/support/engine.ts';
import { createPause, endedOrWaiting, pauseAfter } from '../../../test/support/races.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { auditRuns } from './audit.ts';

test.each(contractStores.filter(({ name }) => name === 'PostgreSQL'))(
  'a run that ends on $name while the auditor looks at it is not made due again: nobody could take it',
  async (database) => {
    const opened = await database.open();
    try {
      const { store, clock } = opened;
      const plan = planOf([step('one')]);
      const now = toTimestamp(clock.now());
      const run = runRecord(plan, now, { wakeAt: null });
      await store.transaction('intake', (tx) => tx.runs.insertAll([{ run, plan }]));
      const pause = createPause();
      const metrics = { increment: () => undefined, observe: () => undefined, set: () => undefined };
      const slowed = pauseAfter(store, 'runs', 'stuck', pause);
      const auditing = auditRuns({ store: slowed, clock, log: silentLog, metrics });
      await pause.reached;
      const ending = store.transaction('run-end', (tx) =>
        tx.runs.update(run.id, { status: 'cancelled', completedAt: now, wakeAt: null }),
      );
      await endedOrWaiting(ending, opened);
      pause.end();
      expect(await auditing).toBe(1);
      await ending;
      expect(await store.read.runs.find(run.id)).toMatchObject({ status: 'cancelled', wakeAt: null });
      expect(await store.read.runs.due(addMs(now, 60_000), 10)).toEqual([]);
    } finally {
      await opened.close();
    }
  },
);
