import type { Kysely } from 'kysely';
import type { ResourceStore } from '../../core/store.ts';
import { newId } from '../../lib/id.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';

/** Writes `custom_resources`: the mirror of what was applied, for the API. */
export function createResourceStore(query: Kysely<Database>): ResourceStore {
  return {
    async replaceAll(resources) {
      const known = await query
        .selectFrom('custom_resources')
        .select(['id', 'kind', 'namespace', 'name', 'created_at'])
        // Replicas write the same rows: what another one deletes meanwhile is not taken for one that is there.
        .orderBy('id')
        .$call(sqlOf(query).lock)
        .execute();
      const earlier = new Map(known.map((row) => [keyOf(row), row]));
      for (const resource of resources) {
        if (eventLoopTurns.isOver()) await eventLoopTurns.next();
        const before = earlier.get(keyOf(resource));
        earlier.delete(keyOf(resource));
        const row = {
          api_version: resource.apiVersion,
          spec: resource.spec,
          status: resource.status,
          updated_at: resource.updatedAt,
        };
        if (before !== undefined) {
          await query.updateTable('custom_resources').set(row).where('id', '=', before.id).execute();
          continue;
        }
        const { kind, namespace, name } = resource;
        const identity = { id: newId(), kind, namespace, name, created_at: resource.updatedAt };
        await query
          .insertInto('custom_resources')
          .values({ ...row, ...identity })
          .execute();
      }
      for (const gone of earlier.values())
        await query.deleteFrom('custom_resources').where('id', '=', gone.id).execute();
    },
  };
}

function keyOf(resource: { readonly kind: string; readonly namespace: string; readonly name: string }): string {
  return `${resource.kind}/${resource.namespace}/${resource.name}`;
}
