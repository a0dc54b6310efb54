import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RunStore } from '../core/store.ts';
import type { Hints } from './hints.ts';
import type { Database } from './schema.ts';
import { statement } from './statements.ts';

type SlotMethods = 'takeSlot' | 'freeSlots' | 'wakeWaiter' | 'freeOrphanSlots';

/** Slots (key, ordinal) are rows (design 3.1.16). */
export function createSlotStore(query: Kysely<Database>, hints: Hints): Pick<RunStore, SlotMethods> {
  const freeAll = statement<'runId', unknown>(['runId'], (marker) =>
    query.deleteFrom('slots').where('workflow_id', '=', marker('runId')),
  );
  const wake = wakeStatement(query);
  async function wakeWaiter(key: string, at: string): Promise<void> {
    for (const { id } of await wake(query, { key, at })) hints.runs.push({ id, wakeAt: at });
  }
  return {
    takeSlot: takeSlot(query),
    async freeSlots(runId, key) {
      if (key === undefined) await freeAll(query, { runId });
      else await query.deleteFrom('slots').where('workflow_id', '=', runId).where('key', '=', key).execute();
    },
    wakeWaiter,
    async freeOrphanSlots(at) {
      const rows = await query
        .deleteFrom('slots')
        .where('workflow_id', 'not in', (row) =>
          row.selectFrom('workflows').select('id').where('status', 'in', ['pending', 'running']),
        )
        .returning('key')
        .execute();
      for (const { key } of rows) await wakeWaiter(key, at);
      return rows.length;
    },
  };
}

/** Wakes the oldest waiter: ids sort by the time they were made. */
function wakeStatement(query: Kysely<Database>) {
  return statement<'key' | 'at', { id: string }>(['key', 'at'], (marker) =>
    query
      .updateTable('workflows')
      .set({ wake_at: marker('at') })
      .where('id', '=', (row) =>
        row
          .selectFrom('workflows as waiter')
          .select('waiter.id')
          .where(sql<boolean>`waiter.waiting_for = 'slot'`)
          .where('waiter.slot_key', '=', marker('key'))
          .where('waiter.wake_at', 'is', null)
          .where(sql<boolean>`waiter.status IN ('pending', 'running')`)
          .orderBy('waiter.id')
          .limit(1),
      )
      .returning('id'),
  );
}

function takeSlot(query: Kysely<Database>): RunStore['takeSlot'] {
  const holders = statement<'key', { ordinal: number; runId: string }>(['key'], (marker) =>
    query
      .selectFrom('slots')
      .select(['ordinal', 'workflow_id as runId'])
      .where('key', '=', marker('key'))
      .orderBy('ordinal'),
  );
  const insert = statement<'key' | 'ordinal' | 'runId' | 'at', { ordinal: number }>(
    ['key', 'ordinal', 'runId', 'at'],
    (marker) =>
      query
        .insertInto('slots')
        .values({
          key: marker('key'),
          ordinal: marker('ordinal'),
          workflow_id: marker('runId'),
          taken_at: marker('at'),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('ordinal'),
  );
  return async (key, limit, runId, at) => {
    const held = await holders(query, { key });
    const free = Math.max(0, limit - held.length);
    if (held.some((slot) => slot.runId === runId)) return { taken: true, free };
    if (free === 0) return { taken: false, free };
    const taken = new Set(held.map((slot) => slot.ordinal));
    let ordinal = 0;
    while (taken.has(ordinal)) ordinal += 1;
    const rows = await insert(query, { key, ordinal, runId, at });
    return { taken: rows.length === 1, free: free - 1 };
  };
}
