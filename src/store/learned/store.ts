import type { Kysely } from 'kysely';
import type { LearnedReader, LearnedStore } from '../../core/learned-store.ts';
import { mostModelChecks } from '../../core/model-check.ts';
import { mostNamespaceData } from '../../core/namespace-data.ts';
import type { NamespaceData } from '../../core/namespace-data.ts';
import { mostVerdicts } from '../../core/verdict.ts';
import { bulkInsert } from '../sql/bulk.ts';
import type { Database } from '../tables/all.ts';
import { modelChecks, namespaceData, runVerdicts } from '../tables/learned.ts';
import { selection } from '../tables/table.ts';

const verdict = selection(runVerdicts);
const modelCheck = selection(modelChecks);
const data = selection(namespaceData);

/** Reads what was learned on any connection. */
export function createLearnedReader(query: Kysely<Database>): LearnedReader {
  return {
    async verdictsOf(runIds) {
      if (runIds.length === 0) return [];
      const rows = await query
        .selectFrom('run_verdicts')
        .selectAll()
        .where('workflow_id', 'in', runIds)
        .orderBy('workflow_id')
        .orderBy('sequence')
        .execute();
      return rows.map((row) => verdict.read(row));
    },
    async verdictsOnAlerts({ namespace, alertName }, most) {
      const rows = await query
        .selectFrom('run_verdicts')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('alert_name', '=', alertName)
        .orderBy('at', 'desc')
        .orderBy('sequence', 'desc')
        .limit(most)
        .execute();
      return rows.map((row) => verdict.read(row));
    },
    async modelChecks(hashes) {
      if (hashes.length === 0) return [];
      const rows = await query.selectFrom('model_checks').selectAll().where('hash', 'in', hashes).execute();
      return rows.map((row) => modelCheck.read(row));
    },
    async lastModelCheck() {
      const row = await query
        .selectFrom('model_checks')
        .select(({ fn }) => fn.max('at').as('at'))
        .executeTakeFirst();
      return row?.at ?? null;
    },
    async namespaceData(servers) {
      if (servers.length === 0) return [];
      const rows = await query
        .selectFrom('namespace_data')
        .selectAll()
        .where('server', 'in', servers)
        .orderBy('namespace')
        .orderBy('kind')
        .orderBy('server')
        .execute();
      return rows.map((row) => data.read(row));
    },
  };
}

/** Reads and writes it inside a transaction. */
export function createLearnedStore(query: Kysely<Database>): LearnedStore {
  const insert = bulkInsert(query, runVerdicts);
  const saveData = bulkInsert(query, namespaceData, {
    onConflict: 'ON CONFLICT (server, namespace, kind) DO UPDATE SET found = excluded.found, at = excluded.at',
  });
  const saveCheck = bulkInsert(query, modelChecks, {
    onConflict: `ON CONFLICT (hash) DO UPDATE SET model = excluded.model, endpoint = excluded.endpoint, result = excluded.result,
      message = excluded.message, checks = excluded.checks, at = excluded.at`,
  });
  return {
    ...createLearnedReader(query),
    async insertVerdict(record) {
      await insert([record]);
      await query
        .deleteFrom('run_verdicts')
        .where('workflow_id', '=', record.runId)
        .where('sequence', '<=', record.sequence - mostVerdicts)
        .execute();
    },
    async saveModelCheck(check) {
      await saveCheck([check]);
      const old = await query
        .selectFrom('model_checks')
        .select('hash')
        .orderBy('at', 'desc')
        .orderBy('hash')
        .offset(mostModelChecks)
        .limit(mostModelChecks)
        .execute();
      if (old.length === 0) return;
      const hashes = old.map(({ hash }) => hash);
      await query.deleteFrom('model_checks').where('hash', 'in', hashes).execute();
    },
    async saveNamespaceData(rows) {
      if (rows.length === 0) return;
      // Two replicas write the same rows in one order.
      await saveData([...rows].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)));
      const oldest = await query
        .selectFrom('namespace_data')
        .select('at')
        .orderBy('at', 'desc')
        .offset(mostNamespaceData)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      await query.deleteFrom('namespace_data').where('at', '<=', oldest.at).execute();
    },
    async deleteVerdicts(before) {
      const { numDeletedRows } = await query
        .deleteFrom('run_verdicts')
        .where('at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

function keyOf({ server, namespace, kind }: NamespaceData): string {
  return JSON.stringify([server, namespace, kind]);
}
