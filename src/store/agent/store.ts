import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { AgentEvent } from '../../core/agent-event.ts';
import type { AgentEventPage, AgentGrowth, AgentReader, AgentStore, ModelCharge } from '../../core/agent-store.ts';
import type { RunLock } from '../../core/run-store.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { statement } from '../sql/statements.ts';
import { agentEvents, modelSpending } from '../tables/agent.ts';
import type { Database } from '../tables/all.ts';
import { selection } from '../tables/table.ts';

/** Read by one statement: an event may have some ten thousand characters. */
const rowsAtOnce = 25;
/** A page with more ends early. */
const mostCharacters = 2 * 1024 * 1024;

type Row = Selectable<Database['agent_events']>;

const { read } = selection(agentEvents);

/** Reads `agent_events` and `model_spending` on any connection. */
export function createAgentReader(query: Kysely<Database>): AgentReader {
  const pages = statement<'runId' | 'after' | 'limit', Row>(['runId', 'after', 'limit'], (marker) =>
    query
      .selectFrom('agent_events')
      .selectAll()
      .where('workflow_id', '=', marker('runId'))
      .where('sequence', '>', marker('after'))
      .orderBy('sequence')
      .limit(marker('limit')),
  );
  async function events(runId: string, { after, limit }: AgentEventPage): Promise<readonly AgentEvent[]> {
    const found: AgentEvent[] = [];
    let characters = 0;
    while (found.length < limit && characters < mostCharacters) {
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      const wanted = Math.min(rowsAtOnce, limit - found.length);
      const rows = await pages(query, { runId, after: found.at(-1)?.sequence ?? after, limit: wanted });
      for (const row of rows) {
        characters += row.content.length;
        found.push(read(row));
      }
      if (rows.length < wanted) break;
    }
    return found;
  }
  return {
    events,
    async eventsOfStep(runId, path) {
      const found: AgentEvent[] = [];
      for (let after = 0; ;) {
        const page = await events(runId, { after, limit: 500 });
        found.push(...page.filter((event) => event.path === path));
        const last = page.at(-1);
        if (last === undefined) return found;
        after = last.sequence;
      }
    },
    ...spending(query),
    closedWith: closedWith(query),
  };
}

function spending(query: Kysely<Database>): Pick<AgentReader, 'spentOn'> {
  const sums = [
    sql<number>`coalesce(sum(tokens), 0)`.as('tokens'),
    sql<number>`coalesce(sum(cost_micros), 0)`.as('costMicros'),
  ] as const;
  const ofAll = statement<'day', ModelCharge>(['day'], (marker) =>
    query.selectFrom('model_spending').select(sums).where('day', '=', marker('day')),
  );
  const ofOne = statement<'day' | 'namespace' | 'name', ModelCharge>(['day', 'namespace', 'name'], (marker) =>
    query
      .selectFrom('model_spending')
      .select(sums)
      .where('day', '=', marker('day'))
      .where('namespace', '=', marker('namespace'))
      .where('workflow', '=', marker('name')),
  );
  return {
    async spentOn(day, workflow) {
      const rows =
        workflow === undefined
          ? await ofAll(query, { day })
          : await ofOne(query, { day, namespace: workflow.namespace, name: workflow.name });
      return rows[0] ?? { tokens: 0, costMicros: 0 };
    },
  };
}

/** The hash is over what names the alert's objects, so there are few events of one. */
function closedWith(query: Kysely<Database>): AgentReader['closedWith'] {
  return async (evidenceHash, { id, alertId, namespace, name }) => {
    if (alertId === null) return undefined;
    const row = await query
      .selectFrom('agent_events')
      .innerJoin('workflows', 'workflows.id', 'agent_events.workflow_id')
      .selectAll('agent_events')
      .where('agent_events.evidence_hash', '=', evidenceHash)
      .where('agent_events.kind', '=', 'closed')
      .where('workflows.alert_id', '=', alertId)
      .where('workflows.namespace', '=', namespace)
      .where('workflows.name', '=', name)
      .where('workflows.id', '<', id)
      .orderBy('agent_events.workflow_id', 'desc')
      .orderBy('agent_events.sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && read(row);
  };
}

/** Reads and writes them inside a transaction. */
export function createAgentStore(query: Kysely<Database>): AgentStore {
  const insertEvents = bulkInsert(query, agentEvents);
  const addSpending = bulkInsert(query, modelSpending, {
    onConflict: `ON CONFLICT (day, namespace, workflow) DO UPDATE SET tokens = model_spending.tokens + excluded.tokens,
      cost_micros = model_spending.cost_micros + excluded.cost_micros`,
  });
  const lock = lockStatement(query);
  return {
    ...createAgentReader(query),
    lock: async (id, fence, growth) => (await lock(query, { id, fence, ...growth }))[0],
    async insert(events) {
      await insertEvents(events);
    },
    async charge(day, { namespace, name }, { tokens, costMicros }) {
      await addSpending([{ day, namespace, workflow: name, tokens, costMicros }]);
    },
  };
}

function lockStatement(query: Kysely<Database>) {
  return statement<'id' | 'fence' | keyof AgentGrowth, RunLock & { readonly lastSequence: number }>(
    ['id', 'fence', 'events', 'tokens', 'costMicros'],
    (marker) =>
      query
        .updateTable('workflows')
        .set({
          agent_events: sql<number>`agent_events + ${marker('events')}`,
          model_tokens: sql<number>`model_tokens + ${marker('tokens')}`,
          model_cost_micros: sql<number>`model_cost_micros + ${marker('costMicros')}`,
        })
        .where('id', '=', marker('id'))
        .where('fence', '=', marker('fence'))
        .where('status', '=', sql<string>`'running'`)
        .returning([
          'cancel_requested_at as cancelRequestedAt',
          'cancel_reason as cancelReason',
          'agent_events as lastSequence',
        ]),
  );
}
