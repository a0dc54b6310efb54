import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RunStore } from '../../core/run-store.ts';
import { allDone } from '../../lib/all-done.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Hints } from '../commit/hints.ts';
import type { Database } from '../tables/all.ts';
import { statement } from '../sql/statements.ts';

type SlotMethods = 'takeSlot' | 'freeSlot' | 'freeAllSlots' | 'wakeWaiter' | 'freeOrphanSlots';

/**
 * Slots (key, ordinal) are rows (design 3.1.16). So that no wake-up is lost, who finds no free slot and who wakes a waiter
 * do so one after the other for each key: either the one sees the slot that was freed, or the other sees who waits. Each
 * statement here is prepared, so that calls made together take effect in their order.
 */
export function createSlotStore(query: Kysely<Database>, hints: Hints): Pick<RunStore, SlotMethods> {
  const freeAll = statement<'runId', FreedSlot>(['runId'], (marker) =>
    query.deleteFrom('slots').where('workflow_id', '=', marker('runId')).returning(['key', waiterOfSlot]),
  );
  const freeOne = statement<'runId' | 'key', FreedSlot>(['runId', 'key'], (marker) =>
    query
      .deleteFrom('slots')
      .where('workflow_id', '=', marker('runId'))
      .where('key', '=', marker('key'))
      .returning(['key', waiterOfSlot]),
  );
  const lockName = sqlOf(query).nameLock(query);
  const lock = (key: string) => lockName(`slot ${key}`);
  const wake = wakeStatement(query);
  async function wakeWaiter(key: string, at: string): Promise<void> {
    const [, woken] = await allDone([lock(key), wake(query, { key, at })]);
    for (const { id } of woken) hints.runs.push({ id, wakeAt: at });
  }
  /** Mostly nobody waits, which the statement that frees the slots sees. */
  async function free(keys: readonly string[], remove: () => Promise<FreedSlot[]>, at: string): Promise<void> {
    const locked = allDone(keys.map((key) => lock(key)));
    const [, freed] = await allDone([locked, remove()]);
    for (const key of keys) if (freed.find((slot) => slot.key === key)?.waiter !== null) await wakeWaiter(key, at);
  }
  return {
    takeSlot: takeSlot(query, lock),
    freeSlot: (runId, key, at) => free([key], () => freeOne(query, { runId, key }), at),
    freeAllSlots: (runId, keys, at) => free(keys, () => freeAll(query, { runId }), at),
    wakeWaiter,
    async freeOrphanSlots(at) {
      const rows = await query
        .deleteFrom('slots')
        .where('workflow_id', 'not in', (row) =>
          row.selectFrom('workflows').select('id').where('status', 'in', ['pending', 'running']),
        )
        .returning('key')
        .execute();
      // Everybody locks keys in this order: those of alerts sort before those of Workflows.
      for (const key of rows.map((row) => row.key).sort()) await wakeWaiter(key, at);
      return rows.length;
    },
  };
}

interface FreedSlot {
  readonly key: string;
  /** Who waits for it. */
  readonly waiter: string | null;
}

/** To be asked under the lock of the key. */
const waiterOfSlot = sql<
  string | null
>`(SELECT min(waiter.id) FROM workflows AS waiter WHERE waiter.waiting_for = 'slot'
  AND waiter.slot_key = slots.key AND waiter.wake_at IS NULL AND waiter.status IN ('pending', 'running'))`.as('waiter');

/**
 * Wakes the oldest waiter: ids sort by the time they were made. Waits for who has its row, and never skips it: that may be a
 * claim that came too late and changes nothing. Where it has changed then, nobody is woken here: whoever is awake takes the
 * slot, or wakes the next one at its end. It cannot be a claim that waits for this key: its row is no waiter's any more.
 */
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
          .limit(1)
          .$call(sqlOf(query).lock),
      )
      .returning('id'),
  );
}

function takeSlot(query: Kysely<Database>, lock: (key: string) => Promise<void>): RunStore['takeSlot'] {
  const holders = statement<'key', { ordinal: number; runId: string }>(['key'], (marker) =>
    query
      .selectFrom('slots')
      .select(['ordinal', 'workflow_id as runId'])
      .where('key', '=', marker('key'))
      .orderBy('ordinal'),
  );
  const insert = insertStatement(query);
  const insertOnly = insertOnlyStatement(query);
  return async (key, limit, runId, at) => {
    // The usual case in one statement: nobody has the only slot.
    if (limit === 1 && (await insertOnly(query, { key, runId, at })).length === 1) return { taken: true, free: 0 };
    const [, held] = await allDone([lock(key), holders(query, { key })]);
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

function insertStatement(query: Kysely<Database>) {
  return statement<'key' | 'ordinal' | 'runId' | 'at', { ordinal: number }>(
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
}

/** Takes the first slot of a key of which none is taken. Waits for others that are taking or freeing it. */
function insertOnlyStatement(query: Kysely<Database>) {
  return statement<'key' | 'runId' | 'at', { ordinal: number }>(['key', 'runId', 'at'], (marker) => {
    const others = query.selectFrom('slots').select('slots.key').where('slots.key', '=', marker('key'));
    const slot = query
      .selectNoFrom([
        sql<string>`${marker('key')}`.as('key'),
        sql<number>`0`.as('ordinal'),
        sql<string>`${marker('runId')}`.as('workflow_id'),
        sql<string>`${marker('at')}`.as('taken_at'),
      ])
      .where((where) => where.not(where.exists(others)));
    return query
      .insertInto('slots')
      .columns(['key', 'ordinal', 'workflow_id', 'taken_at'])
      .expression(slot)
      .onConflict((conflict) => conflict.doNothing())
      .returning('ordinal');
  });
}
