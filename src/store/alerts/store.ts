import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { identityKey } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import type { AlertStore } from '../../core/store.ts';
import { allDone } from '../../lib/all-done.ts';
import { labelInserter } from './labels.ts';
import type { LabelWriter } from './labels.ts';
import { createAlertTriage } from './triage.ts';
import { newId } from '../../lib/id.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import { sqlOf } from '../sql/dialect.ts';
import { distinctValues } from '../sql/distinct.ts';
import { alerts, alertTransitions } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { fieldsIn, selection } from '../tables/table.ts';

/**
 * Reads and writes `alerts`, `alert_labels` and `alert_transitions` inside a transaction. Labels are written at once,
 * unless a database has a better way.
 */
export function createAlertStore(query: Kysely<Database>, writeLabels = labelInserter(query)): AlertStore {
  return { ...finders(query), ...sweepFinders(query), ...writers(query, writeLabels), ...createAlertTriage(query) };
}

function finders(query: Kysely<Database>): Pick<AlertStore, 'findStates'> {
  const states = bulkFind(query, alerts, {
    fields: ['id', ...fieldsIn(alerts, 'state')],
    keys: ['fingerprint', 'source', 'namespace'],
    lock: true,
  });
  return {
    async findStates(identities) {
      const found = await states(identities);
      const byKey = new Map(found.map((alert) => [identityKey(alert), alert]));
      return identities.map((identity) => byKey.get(identityKey(identity)));
    },
  };
}

const mostSources = 100_000;

/** What time alone changes. Not hot: built by Kysely each time. */
function sweepFinders(query: Kysely<Database>): Pick<AlertStore, 'sourcesWithOpen' | 'findExpired' | 'findMuted'> {
  // Who holds an alert is about to change it: it is left to the next sweep, so that nobody waits for another crosswise.
  const { lockFree } = sqlOf(query);
  const { read } = selection(alerts);
  return {
    async sourcesWithOpen() {
      const open = { condition: sql<boolean>`status <> 'resolved'`, most: mostSources };
      const found: { readonly namespace: string; readonly source: string }[] = [];
      for (const source of (await distinctValues(query, 'alerts', 'source', open)) ?? []) {
        const namespaces = await distinctValues(query, 'alerts', 'namespace', { ...open, where: { source } });
        for (const namespace of namespaces ?? []) found.push({ namespace, source });
      }
      return found;
    },
    async findExpired(namespace, source, before, limit) {
      const rows = await query
        .selectFrom('alerts')
        .selectAll()
        .where('source', '=', source)
        .where('namespace', '=', namespace)
        .where('last_received_at', '<', before)
        // A literal, because a partial index serves only a query that says the same.
        .where('status', '<>', sql.lit('resolved'))
        .orderBy('last_received_at')
        .limit(limit)
        .$call(lockFree)
        .execute();
      return rows.map(read);
    },
    async findMuted(now, limit) {
      const rows = await query
        .selectFrom('alerts')
        .selectAll()
        .where('muted_until', '<=', now)
        .where('status', '<>', 'resolved')
        .orderBy('muted_until')
        .limit(limit)
        .$call(lockFree)
        .execute();
      return rows.map(read);
    },
  };
}

function writers(
  query: Kysely<Database>,
  writeLabels: LabelWriter,
): Pick<AlertStore, 'saveStates' | 'saveRepeats' | 'saveContents' | 'saveAnswers' | 'insertAll' | 'addTransitions'> {
  const insert = bulkInsert(query, alerts, { onConflict: 'ON CONFLICT DO NOTHING' });
  const save = bulkUpdate(query, alerts, { fields: [...fieldsIn(alerts, 'state'), 'updatedAt'] });
  const saveRepeat = bulkUpdate(query, alerts, { fields: [...fieldsIn(alerts, 'repeat'), 'updatedAt'] });
  const saveContent = bulkUpdate(query, alerts, { fields: fieldsIn(alerts, 'content') });
  const saveAnswer = bulkUpdate(query, alerts, { fields: fieldsIn(alerts, 'answer') });
  const insertTransitions = bulkInsert(query, alertTransitions);
  return {
    async saveStates(states) {
      await save(states);
    },
    async saveRepeats(states) {
      await saveRepeat(states);
    },
    async saveContents(contents) {
      await saveContent(contents);
    },
    async saveAnswers(answers) {
      await saveAnswer(answers);
    },
    async insertAll(records) {
      // In the order of the identities, so that replicas that insert the same ones wait for each other and not crosswise.
      const [inserted] = await allDone([insert(records.toSorted(byIdentity)), writeLabels(records)]);
      if (inserted < records.length)
        throw new AppError('StoreConflict', `${records.length - inserted} alerts are there already: UNIQUE identity`);
    },
    async addTransitions(transitions) {
      await insertTransitions(transitions.map((transition) => ({ ...transition, id: newId() })));
    },
  };
}

function byIdentity(one: AlertRecord, other: AlertRecord): number {
  return (
    compare(one.fingerprint, other.fingerprint) ||
    compare(one.source, other.source) ||
    compare(one.namespace, other.namespace)
  );
}

/** By bytes, as both databases sort. */
function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
