import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Labels } from '../../core/alert.ts';
import type { RetentionStore } from '../../core/retention.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { bulkFind, bulkInsert } from '../sql/bulk.ts';
import { deleteRows } from '../sql/delete.ts';
import { sqlOf } from '../sql/dialect.ts';
import { alerts, alertWords } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { indexedWords } from './words.ts';

/** So long after a commit the index is brought up to date, without waiting for an end of the commits. */
const delayMs = 1000;
/** While others commit, they have so many times as long as the index: it can wait, alerts and runs cannot. */
const othersShare = 9;

interface Entry {
  readonly word: string;
  readonly alertId: string;
}

/** What one step did. */
export interface WordStep {
  readonly alerts: number;
  /** Id of the last alert; where the next step goes on. */
  readonly last: string;
  /** The work itself, without the wait for its turn. Milliseconds. */
  readonly tookMs: number;
}

/**
 * Writes the words of at most `limit` alerts that are in `alert_words_due`, by their ids from `after` on. Inside a
 * transaction; alerts that another replica has in hand are left to it.
 */
export function createWordWriter(query: Kysely<Database>): (limit: number, after?: string) => Promise<WordStep> {
  const insert = bulkInsert(query, alertWords, { onConflict: 'ON CONFLICT DO NOTHING' });
  return async (limit, after = '') => {
    const begunMs = performance.now();
    const due = await query
      .selectFrom('alert_words_due')
      .select('alert_id')
      // Not from the start: what earlier steps deleted still lies there, until PostgreSQL cleans it up.
      .where('alert_id', '>', after)
      .orderBy('alert_id')
      .limit(limit)
      .$call(sqlOf(query).lockFree)
      .execute();
    const ids = due.map((row) => row.alert_id);
    if (ids.length === 0) return { alerts: 0, last: after, tookMs: 0 };
    const found = await query
      .selectFrom('alerts')
      .select(['id', 'alert_name as name', 'summary', 'labels'])
      .where('id', 'in', ids)
      .execute();
    const entries: Entry[] = [];
    for (const alert of found) {
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      entries.push(...entriesOf(alert));
    }
    // In the order of the index, so that entries that share a page are written together.
    await insert(entries.toSorted(byPlace));
    await deleteRows(query, 'alert_words_due', 'alert_id', ids);
    return { alerts: ids.length, last: ids.at(-1) ?? after, tookMs: performance.now() - begunMs };
  };
}

/**
 * Deletes the words of alerts that are deleted; those of earlier summaries are left to {@link createOrphanWords} and find
 * nothing.
 */
export async function deleteWords(query: Kysely<Database>, alerts: readonly AlertText[]): Promise<number> {
  return deleteEntries(query, alerts.flatMap(entriesOf));
}

/** See RetentionStore. An alert is there before its words are, so that none of a new one is taken. */
export function createOrphanWords(query: Kysely<Database>): RetentionStore['deleteOrphanWords'] {
  const findAlerts = bulkFind(query, alerts, { fields: [], keys: ['id'] });
  return async (after, limit) => {
    const entries = await query
      .selectFrom('alert_words')
      .select(['word', 'alert_id as alertId'])
      .where(sql<boolean>`(word, alert_id) > (${after?.word ?? ''}, ${after?.alertId ?? ''})`)
      .orderBy('word')
      .orderBy('alert_id')
      .limit(limit)
      .execute();
    const ids = new Set(entries.map((entry) => entry.alertId));
    for (const { id } of await findAlerts(Array.from(ids, (id) => ({ id })))) ids.delete(id);
    const orphans = entries.filter((entry) => ids.has(entry.alertId));
    const last = entries.length < limit ? undefined : entries.at(-1);
    return {
      next: last === undefined ? null : { word: last.word, alertId: last.alertId },
      deleted: { alert_words: await deleteEntries(query, orphans) },
    };
  };
}

async function deleteEntries(query: Kysely<Database>, all: readonly Entry[]): Promise<number> {
  let count = 0;
  for (const [word, entries] of Map.groupBy(all, (entry) => entry.word)) {
    const ids = entries.map((entry) => entry.alertId);
    count += await deleteRows(query, 'alert_words', 'alert_id', ids, sql`word = ${word}`);
  }
  return count;
}

/** What the words of an alert are made of; labels as JSON text. */
export interface AlertText {
  readonly id: string;
  readonly name: string;
  readonly summary: string | null;
  readonly labels: string;
}

function entriesOf({ id, name, summary, labels }: AlertText): readonly Entry[] {
  const words = indexedWords({ name, summary, labels: JSON.parse(labels) as Labels });
  return Array.from(words, (word) => ({ word, alertId: id }));
}

function byPlace(one: Entry, other: Entry): number {
  if (one.word !== other.word) return one.word < other.word ? -1 : 1;
  return one.alertId < other.alertId ? -1 : 1;
}

export interface WordIndexOptions {
  /** Whether any alert is due; asked outside transactions. */
  readonly isDue: () => Promise<boolean>;
  /** A step in a transaction of its own. */
  readonly write: (limit: number, after: string) => Promise<WordStep>;
  /** Alerts of a step: each takes some milliseconds of a database's only writer. */
  readonly alertsPerStep: number;
  /** Called with errors; what is due stays due, and searches see it. */
  readonly onError: (error: unknown) => void;
}

/** Writes words beside the commits. */
export interface WordIndex {
  /** There may be work: to be called after the commits of others. Cheap. */
  wake(): void;
  /** Ends after the step in work. */
  close(): Promise<void>;
}

/** Nothing waits for it: searches look through what it has not done. */
export function createWordIndex({ isDue, write, alertsPerStep, onError }: WordIndexOptions): WordIndex {
  /** Set while a step is planned or in work. */
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let isClosed = false;
  /** Where the next step goes on; null: at the start. */
  let after: string | null = null;
  let othersCommit = false;
  let again = false;

  function plan(waitMs: number): void {
    timer = setTimeout(() => {
      working = work();
    }, waitMs);
    timer.unref();
  }

  async function work(): Promise<void> {
    const pauseMs = await step().catch((error: unknown) => {
      onError(error);
      return null;
    });
    working = undefined;
    timer = undefined;
    if (isClosed) return;
    if (pauseMs !== null) return plan(pauseMs);
    after = null;
    if (again) plan(delayMs);
  }

  /** How long the next step is to wait, null where nothing is left. */
  async function step(): Promise<number | null> {
    if (after === null) {
      again = false;
      othersCommit = false;
      if (!(await isDue())) return null;
    }
    const { alerts, last, tookMs } = await write(alertsPerStep, after ?? '');
    if (alerts < alertsPerStep) return null;
    after = last;
    const pauseMs = othersCommit ? othersShare * tookMs : 0;
    // Not before the work: the commits between two steps count, however short the pause was.
    othersCommit = false;
    return pauseMs;
  }

  return {
    wake() {
      othersCommit = true;
      again = true;
      if (timer === undefined && !isClosed) plan(delayMs);
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await working;
    },
  };
}

/** For {@link WordIndexOptions.isDue}. */
export async function hasWordsDue(query: Kysely<Database>): Promise<boolean> {
  const row = await query.selectFrom('alert_words_due').select('alert_id').limit(1).executeTakeFirst();
  return row !== undefined;
}
