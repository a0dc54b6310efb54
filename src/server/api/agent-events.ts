import { z } from 'zod';
import { agentEventKinds } from '../../core/agent-event.ts';
import type { AgentEvent } from '../../core/agent-event.ts';
import { defineRoute } from '../define-route.ts';
import { count, found, jsonObject, lazily, limitParameter, text, time } from './fields.ts';
import { idOf } from './references.ts';

const agentEvent = lazily(() =>
  z
    .strictObject({
      sequence: z.int().min(1).describe('From 1, within the run.'),
      path: text('Place of the agent step in the Workflow.'),
      attempt: count('Which attempt of the step wrote it.'),
      kind: z
        .enum(agentEventKinds)
        .describe(
          '`opened`: what the conversation begins with; `asked`: a request is sent; `answered`, `failed`: what came of it; `called`: a call of a tool and its answer; `noted`: what else happened; `message`: what a person asked on; `closed`: how it ended.',
        ),
      content: jsonObject('What it holds, redacted; differs by kind.'),
      tokens: count('Of `asked`: reserved; of `answered` and `failed`: used; else 0.'),
      costMicros: count('The same in millionths of a dollar; 0 where the price is unknown.'),
      evidenceHash: text(
        'Of `closed`: names what the answer followed from; a later run that sees the same uses it again.',
      ).nullable(),
      at: time('When it was written.'),
    })
    .meta({ id: 'AgentEvent', description: 'What happened while a model investigated.' }),
);

function eventView({ runId: _runId, ...event }: AgentEvent): Omit<AgentEvent, 'runId'> {
  return event;
}

export const listAgentEvents = defineRoute({
  name: 'listAgentEvents',
  method: 'GET',
  path: '/api/v1/runs/:id/agent-events',
  access: 'token',
  summary: 'What happened while a model investigated, oldest first.',
  description:
    '`agentEvents` of a run, which the stream of changes tells as well, is the sequence of its newest event: a caller that has fewer reads on.',
  query: {
    limit: limitParameter,
    after: z.int().min(0).max(999_999_999).default(0).describe('Only events after the one with this sequence.'),
  },
  example: { query: 'after=12' },
  errors: ['NotFound'],
  answer: lazily(() =>
    z.strictObject({
      items: z.array(agentEvent()).describe('Oldest first.'),
      next: z
        .int()
        .nullable()
        .describe('`after` of the next page; null = there were no more. A page may be short although there is more.'),
    }),
  ),
  async handler({ reader }, { params, query: { limit, after } }) {
    const id = await idOf(reader, 'run', params.id);
    const run = found(await reader.runs.find(id), 'run', id, 'fist get runs');
    const items = await reader.agent.events(id, { after, limit });
    const last = items.at(-1)?.sequence ?? after;
    return { items: items.map(eventView), next: items.length > 0 && last < run.agentEvents ? last : null };
  },
});
