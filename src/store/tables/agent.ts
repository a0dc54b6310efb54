import type { AgentEventKind } from '../../core/agent-event.ts';
import type { JsonObject } from '../../core/json.ts';
import { json, number, table, text, time } from './table.ts';

export const agentEvents = table('agent_events', ['workflow_id', 'sequence'], {
  workflow_id: text().as('runId'),
  sequence: number(),
  path: text(),
  attempt: number(),
  kind: text<AgentEventKind>(),
  content: json<JsonObject>(),
  tokens: number(),
  cost_micros: number(),
  evidence_hash: text().nullable(),
  at: time(),
});

export const modelSpending = table('model_spending', ['day', 'namespace', 'workflow'], {
  day: text(),
  namespace: text(),
  workflow: text(),
  tokens: number(),
  cost_micros: number(),
});
