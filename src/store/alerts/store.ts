import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { identityKey } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import type { AlertStore } from '../../core/store.ts';
import { allDone } from '../../lib/all-done.ts';
import { labelInserter } from './labels.ts';
import type { LabelWriter } from './labels.ts';
import {
  columnNames,
  contentColumns,
  contentRow,
  jsonColumns,
  repeatColumns,
  savedColumns,
  stateColumns,
  stateRow,
  storedAlert,
  toRow,
  transitionColumns,
  transitionRow,
} from './rows.ts';
import { createAlertTriage } from './triage.ts';
import { bulkFind, bulkInsert, bulkUpdate, isPostgres } from '../sql/bulk.ts';
import { distinctValues } from '../sql/distinct.ts';
import { alertRecord } from '../sql/rows.ts';
import type { Database } from '../sql/schema.ts';

/**
 * Reads and writes `alerts`, `alert_labels` and `alert_transitions` inside a transaction. Labels are written at once,
 * unless a database has a better way.
 */
export function createAlertStore(query: Kysely<Database>, writeLabels = labelInserter(query)): AlertStore {
  return { ...finders(query), ...sweepFinders(query), ...writers(query, writeLabels), ...createAlertTriage(query) };
}

function finders(query: Kysely<Database>): Pick<AlertStore, 'findStates'> {
  const states = bulkFind(query, {
    table: 'alerts',
    columns: stateColumns,
    keys: ['fingerprint', 'source', 'namespace'],
    lock: true,
  });
  return {
    async findStates(identities) {
      const rows = await states(identities);
      const byKey = new Map(rows.map((row) => [identityKey(row), storedAlert(row)]));
      return identities.map((identity) => byKey.get(identityKey(identity)));
    },
  };
}

const mostSources = 100_000;

/** What time alone changes. Not hot: built by Kysely each time. */
function sweepFinders(query: Kysely<Database>): Pick<AlertStore, 'sourcesWithOpen' | 'findExpired' | 'findMuted'> {
  // Who holds an alert is about to change it: it is left to the next sweep, so that nobody waits for another crosswise.
  const isShared = isPostgres(query);
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
        .$if(isShared, (alert) => alert.forUpdate().skipLocked())
        .execute();
      return rows.map(alertRecord);
    },
    async findMuted(now, limit) {
      const rows = await query
        .selectFrom('alerts')
        .selectAll()
        .where('muted_until', '<=', now)
        .where('status', '<>', 'resolved')
        .orderBy('muted_until')
        .limit(limit)
        .$if(isShared, (alert) => alert.forUpdate().skipLocked())
        .execute();
      return rows.map(alertRecord);
    },
  };
}

function writers(
  query: Kysely<Database>,
  writeLabels: LabelWriter,
): Pick<AlertStore, 'saveStates' | 'saveRepeats' | 'saveContents' | 'insertAll' | 'addTransitions'> {
  const table = 'alerts';
  const insert = bulkInsert(query, {
    table,
    columns: columnNames,
    json: jsonColumns,
    onConflict: 'ON CONFLICT DO NOTHING',
  });
  const save = bulkUpdate(query, { table, columns: [...savedColumns, 'updated_at'] });
  const saveRepeat = bulkUpdate(query, { table, columns: [...repeatColumns, 'updated_at'] });
  const saveContent = bulkUpdate(query, { table, columns: contentColumns, json: ['annotations'] });
  const insertTransitions = bulkInsert(query, { table: 'alert_transitions', columns: transitionColumns });
  return {
    async saveStates(alerts) {
      await save(alerts.map((alert) => ({ ...stateRow(alert), updated_at: alert.updatedAt })));
    },
    async saveRepeats(alerts) {
      await saveRepeat(alerts.map((alert) => ({ ...stateRow(alert), updated_at: alert.updatedAt })));
    },
    async saveContents(contents) {
      await saveContent(contents.map(contentRow));
    },
    async insertAll(alerts) {
      // In the order of the identities, so that replicas that insert the same ones wait for each other and not crosswise.
      const rows = alerts.toSorted(byIdentity).map(toRow);
      const [inserted] = await allDone([insert(rows), writeLabels(alerts)]);
      if (inserted < rows.length)
        throw new AppError('StoreConflict', `${rows.length - inserted} alerts are there already: UNIQUE identity`);
    },
    async addTransitions(transitions) {
      await insertTransitions(transitions.map(transitionRow));
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
