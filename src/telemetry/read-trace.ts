import type { AgentEvent } from '../core/agent-event.ts';
import type { StoreReader } from '../core/store.ts';
import type { Span } from './span.ts';
import { traceOf } from './trace.ts';

/** Events that are asked for at a time. */
const pageSize = 200;

/** The spans of a run; empty where no model was asked, or where it is gone. */
export async function readTrace(
  { runs, agent }: Pick<StoreReader, 'runs' | 'agent'>,
  id: string,
): Promise<readonly Span[]> {
  const run = await runs.find(id);
  if (run === undefined || run.agentEvents === 0) return [];
  const events: AgentEvent[] = [];
  for (let last = 0; last < run.agentEvents;) {
    const page = await agent.events(id, { after: last, limit: pageSize });
    const newest = page.at(-1);
    if (newest === undefined) break;
    events.push(...page);
    last = newest.sequence;
  }
  return traceOf({ run, steps: await runs.steps(id), events });
}
