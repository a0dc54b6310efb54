import type { TracedEvent } from '../app/agent-trace.ts';
import type { AnswerOf } from '../server/routes.ts';
import type { ApiClient } from './client.ts';

type AgentEventPage = AnswerOf<'GET /api/v1/runs/:id/agent-events'>;

/** The most of one page: the server ends pages of large events early by itself. */
const pageSize = 200;

/** The events of a run after a sequence, however many there are. */
export async function readAgentEvents(client: ApiClient, runId: string, after = 0): Promise<readonly TracedEvent[]> {
  const events: TracedEvent[] = [];
  for (let from: number | null = after; from !== null;) {
    const page: AgentEventPage = await client.call('GET /api/v1/runs/:id/agent-events', {
      params: { id: runId },
      query: { after: from, limit: pageSize },
    });
    events.push(...(page.items as readonly TracedEvent[]));
    from = page.next;
  }
  return events;
}
