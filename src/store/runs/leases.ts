import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { RunEnd, RunLock, RunProgress, RunStore } from '../../core/run-store.ts';
import type { Hints } from '../commit/hints.ts';
import { sqlOf } from '../sql/dialect.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';
import type { Database } from '../tables/all.ts';
import { runs } from '../tables/runs.ts';
import { selection } from '../tables/table.ts';

/** Literal, because SQLite uses a partial index only where the query repeats its condition as text. */
export const unfinished = sql<boolean>`status IN ('pending', 'running')`;

type LeaseMethods =
  | 'claim'
  | 'start'
  | 'lock'
  | 'renew'
  | 'release'
  | 'postpone'
  | 'hasten'
  | 'finish'
  | 'requestCancel'
  | 'releaseLeases'
  | 'stuck';

/** Who holds a run, for how long, and who may wake it (design 3.1, lines 5 to 7, 15 and 20). */
export function createRunLeases(query: Kysely<Database>, hints: Hints): Pick<RunStore, LeaseMethods> {
  return { ...holding(query), ...givingBack(query, hints), ...others(query, hints) };
}

function holding(query: Kysely<Database>): Pick<RunStore, 'claim' | 'start' | 'lock' | 'renew'> {
  const claim = statement<'id' | 'owner' | 'now' | 'leaseUntil', Selectable<Database['workflows']>>(
    ['id', 'owner', 'now', 'leaseUntil'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({
          status: 'running',
          fence: sql<number>`fence + 1`,
          lease_owner: marker('owner'),
          lease_until: marker('leaseUntil'),
          wake_at: marker('leaseUntil'),
          waiting_for: null,
          slot_key: null,
        })
        .where('id', '=', marker('id'))
        .where(unfinished)
        .where('wake_at', '<=', marker('now'))
        .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))]))
        .returningAll(),
  );
  const renew = statement<'id' | 'fence' | 'leaseUntil', { id: string }>(['id', 'fence', 'leaseUntil'], (marker) =>
    query
      .updateTable('workflows')
      .set({ lease_until: marker('leaseUntil'), wake_at: marker('leaseUntil') })
      .where('id', '=', marker('id'))
      .where('fence', '=', marker('fence'))
      .where('status', '=', sql<string>`'running'`)
      .returning('id'),
  );
  const start = statement<'id' | 'at' | keyof RunProgress, unknown>(
    ['id', 'at', 'stepsCompleted', 'currentStep'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({
          started_at: marker('at'),
          steps_completed: marker('stepsCompleted'),
          current_step: marker('currentStep'),
        })
        .where('id', '=', marker('id')),
  );
  const { read } = selection(runs);
  const locks = lockStatements(query);
  return {
    async claim(id, owner, now, leaseUntil) {
      const [row] = await claim(query, { id, owner, now, leaseUntil });
      return row === undefined ? undefined : read(row);
    },
    async start(id, at, progress) {
      await start(query, { id, at, ...progress });
    },
    async lock(id, fence, progress) {
      const rows =
        progress === undefined
          ? await locks.plain(query, { id, fence })
          : await locks.progress(query, { id, fence, ...progress });
      return rows[0];
    },
    renew: async (id, fence, leaseUntil) => (await renew(query, { id, fence, leaseUntil })).length === 1,
  };
}

/** The lock is an UPDATE, so that a database with many writers makes the others wait for this row. */
function lockStatements(query: Kysely<Database>) {
  const plain = statement<'id' | 'fence', RunLock>(['id', 'fence'], (marker) =>
    query
      .updateTable('workflows')
      .set({ fence: marker('fence') })
      .where('id', '=', marker('id'))
      .where('fence', '=', marker('fence'))
      .where('status', '=', sql<string>`'running'`)
      .returning(['cancel_requested_at as cancelRequestedAt', 'cancel_reason as cancelReason']),
  );
  const progress = statement<'id' | 'fence' | 'stepsCompleted' | 'currentStep', RunLock>(
    ['id', 'fence', 'stepsCompleted', 'currentStep'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({ steps_completed: marker('stepsCompleted'), current_step: marker('currentStep') })
        .where('id', '=', marker('id'))
        .where('fence', '=', marker('fence'))
        .where('status', '=', sql<string>`'running'`)
        .returning(['cancel_requested_at as cancelRequestedAt', 'cancel_reason as cancelReason']),
  );
  return { plain, progress };
}

function givingBack(query: Kysely<Database>, hints: Hints): Pick<RunStore, 'release' | 'finish'> {
  const release = statement<'id' | 'status' | 'wakeAt' | 'waitingFor' | 'slotKey', unknown>(
    ['id', 'status', 'wakeAt', 'waitingFor', 'slotKey'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({
          status: marker('status'),
          lease_owner: null,
          lease_until: null,
          wake_at: marker('wakeAt'),
          waiting_for: marker('waitingFor'),
          slot_key: marker('slotKey'),
        })
        .where('id', '=', marker('id')),
  );
  const finish = statement<'id' | 'fence' | keyof RunEnd, RunLock>(
    ['id', 'fence', 'status', 'stepsCompleted', 'outputs', 'error', 'errorCode', 'completedAt'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({
          status: marker('status'),
          steps_completed: marker('stepsCompleted'),
          current_step: null,
          outputs: marker('outputs'),
          error: marker('error'),
          error_code: marker('errorCode'),
          completed_at: marker('completedAt'),
          lease_owner: null,
          lease_until: null,
          wake_at: null,
          waiting_for: null,
        })
        .where('id', '=', marker('id'))
        .where('fence', '=', marker('fence'))
        .where('status', '=', sql<string>`'running'`)
        .returning(['cancel_requested_at as cancelRequestedAt', 'cancel_reason as cancelReason']),
  );
  return {
    async release(id, wait) {
      await release(query, { id, ...wait });
      if (wait.wakeAt !== null) hints.runs.push({ id, wakeAt: wait.wakeAt });
    },
    async finish(id, fence, end) {
      const rows = await finish(query, { id, fence, ...end, outputs: storableJson(end.outputs) });
      return rows[0];
    },
  };
}

function others(
  query: Kysely<Database>,
  hints: Hints,
): Pick<RunStore, 'requestCancel' | 'releaseLeases' | 'stuck' | 'postpone' | 'hasten'> {
  return {
    async postpone(id, now, until) {
      await query
        .updateTable('workflows')
        .set({ wake_at: until })
        .where('id', '=', id)
        .where(unfinished)
        .where('wake_at', '<=', now)
        .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', now)]))
        .execute();
    },
    async hasten(id, at) {
      const rows = await query
        .updateTable('workflows')
        .set({ wake_at: at })
        .where('id', '=', id)
        .where(unfinished)
        .where('waiting_for', '=', 'retry')
        .where('lease_until', 'is', null)
        .where('wake_at', '>', at)
        .returning('id')
        .execute();
      if (rows.length > 0) hints.runs.push({ id, wakeAt: at });
    },
    async requestCancel(id, at, reason) {
      const rows = await query
        .updateTable('workflows')
        .set({
          cancel_requested_at: sql<string>`coalesce(cancel_requested_at, ${at})`,
          cancel_reason: sql<string>`coalesce(cancel_reason, ${reason})`,
          wake_at: sql<string>`CASE WHEN lease_until > ${at} THEN wake_at ELSE ${at} END`,
        })
        .where('id', '=', id)
        .where(unfinished)
        .returning('id')
        .execute();
      if (rows.length > 0) hints.runs.push({ id, wakeAt: at });
      return rows.length > 0;
    },
    async releaseLeases(now) {
      const rows = await query
        .updateTable('workflows')
        .set({ lease_owner: null, lease_until: null, wake_at: now })
        .where('status', '=', 'running')
        .where('lease_until', 'is not', null)
        .returning('id')
        .execute();
      for (const { id } of rows) hints.runs.push({ id, wakeAt: now });
      return rows.length;
    },
    stuck: (now, latest) => findStuck(query, now, latest),
  };
}

async function findStuck(query: Kysely<Database>, now: string, latest: string): ReturnType<RunStore['stuck']> {
  const rows = await query
    .selectFrom('workflows')
    .select(['id', 'wake_at', 'lease_until'])
    .where(unfinished)
    .where((row) =>
      row.or([row('lease_until', 'is', null), row('lease_until', '<=', now), row('lease_until', '>', latest)]),
    )
    .where((row) =>
      row.or([
        row.and([row('wake_at', '>', latest), row('waiting_for', 'is', null)]),
        row.and([
          row('wake_at', 'is', null),
          // The slot may be free because it is another one's turn, who was woken and has not come to work yet.
          row.not(
            row.exists(
              row
                .selectFrom('workflows as woken')
                .select('woken.id')
                .where(sql<boolean>`woken.waiting_for = 'slot'`)
                .whereRef('woken.slot_key', '=', 'workflows.slot_key')
                .where('woken.wake_at', 'is not', null)
                .where('woken.status', 'in', ['pending', 'running']),
            ),
          ),
          row.not(
            row.exists(
              row
                .selectFrom('slots')
                .innerJoin('workflows as holder', 'holder.id', 'slots.workflow_id')
                .select('slots.key')
                .whereRef('slots.key', '=', 'workflows.slot_key')
                .where('holder.status', 'in', ['pending', 'running']),
            ),
          ),
        ]),
      ]),
    )
    .orderBy('id')
    .limit(1000)
    .$call(sqlOf(query).lockFree)
    .execute();
  return rows.map(({ id, wake_at: wakeAt, lease_until: leaseUntil }) => ({
    id,
    reason: wakeAt === null ? 'NoWakeUp' : 'ClockPutBack',
    isHeld: leaseUntil !== null && leaseUntil > now,
  }));
}
