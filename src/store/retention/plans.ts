import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { deleteRows } from '../sql/delete.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';

/** Of one transaction; the others go the next day. */
const mostPlans = 1000;

/** Deletes old plans that no run has and no Workflow will find again. */
export async function deletePlans(query: Kysely<Database>, madeBefore: string): Promise<number> {
  const rows = await unusedPlans(query, madeBefore).limit(mostPlans).execute();
  // Most days none may go. All writers of runs wait for the rest.
  if (rows.length === 0) return 0;
  // A run is inserted before its plan is looked for: it is waited for and then seen here, or it comes later and inserts the
  // plan anew. On SQLite nobody else writes at a time.
  await sqlOf(query).lockTable(query, 'workflows');
  const hashes = rows.map(({ hash }) => hash);
  return deleteRows(query, 'plans', 'hash', hashes, sql`hash IN (${unusedPlans(query, madeBefore)})`);
}

function unusedPlans(query: Kysely<Database>, madeBefore: string) {
  return (
    query
      .selectFrom('plans')
      .select('hash')
      .where('created_at', '<', madeBefore)
      .where((row) =>
        row.not(
          row.exists(
            row.selectFrom('workflows').select('workflows.id').whereRef('workflows.plan_hash', '=', 'plans.hash'),
          ),
        ),
      )
      // The next run of a Workflow that has had none for long finds its plan.
      .where((row) =>
        row.or([
          row.exists(
            row
              .selectFrom('plans as newer')
              .select('newer.hash')
              .whereRef('newer.namespace', '=', 'plans.namespace')
              .whereRef('newer.name', '=', 'plans.name')
              .whereRef('newer.created_at', '>', 'plans.created_at'),
          ),
          row.not(
            row.exists(
              row
                .selectFrom('custom_resources')
                .select('custom_resources.id')
                .where('custom_resources.kind', '=', 'Workflow')
                .whereRef('custom_resources.namespace', '=', 'plans.namespace')
                .whereRef('custom_resources.name', '=', 'plans.name'),
            ),
          ),
        ]),
      )
  );
}
