import { z } from 'zod';
import { alertStatuses, muteReasons, severities } from '../../core/alert.ts';
import type { Change } from '../../core/changes.ts';
import { AppError } from '../../core/errors.ts';
import { runStatuses } from '../../core/run.ts';
import { defineRoute } from '../define-route.ts';
import { createStreamClient } from '../stream/client.ts';
import { count, lazily, text, textParameter, time } from './fields.ts';

const alertChange = lazily(() =>
  z
    .strictObject({
      kind: z.literal('alert').describe('`alert`.'),
      id: text('Id of the alert.'),
      name: text('Its name.'),
      namespace: text('Namespace of its Source.'),
      source: text('Name of its Source.'),
      status: z.enum(alertStatuses).describe('Its status now.'),
      severity: z.enum(severities).describe('Its severity now.'),
      episode: count('Its episode now.'),
      mutedReason: z.enum(muteReasons).nullable().describe('Why this episode has started no run.'),
      runId: text('Id of its newest run.').nullable(),
      at: time('When it changed.'),
    })
    .meta({ id: 'AlertChange', description: 'An alert was opened, reopened, investigated or resolved.' }),
);

const runChange = lazily(() =>
  z
    .strictObject({
      kind: z.literal('run').describe('`run`.'),
      id: text('Id of the run.'),
      name: text('Name of the Workflow.'),
      namespace: text('Namespace of the Workflow.'),
      alertId: text('Id of the alert.').nullable(),
      status: z.enum(runStatuses).describe('Its status now.'),
      stepsCompleted: count('Steps that have ended.'),
      totalSteps: count('Steps of the Workflow.'),
      currentStep: text('Name of the step in work.').nullable(),
      waitingFor: z.enum(['slot', 'retry', 'timer', 'approval', 'child']).nullable().describe('What it waits for.'),
      errorCode: text('Why it failed, in one word.').nullable(),
      cancelRequestedAt: time('When it was asked to stop.').nullable(),
      agentEvents: count('How many events its agent steps have so far; `agent-events` has them.'),
      modelTokens: count('Tokens that models used for it, with what is reserved for a request in work.'),
      modelCostMicros: count('What that cost, in millionths of a dollar; 0 where the price is unknown.'),
      at: time('When it was made, started or ended, whatever came last.'),
    })
    .meta({ id: 'RunChange', description: 'A run was made, goes on or has ended.' }),
);

const topics: ReadonlyMap<string, Change['kind']> = new Map([
  ['alerts', 'alert'],
  ['runs', 'run'],
]);

export const streamChanges = defineRoute({
  name: 'streamChanges',
  method: 'GET',
  path: '/api/v1/stream',
  access: 'token',
  summary: 'What changes, as server-sent events, until the caller has enough.',
  description: `Each event is \`event: alert\` or \`event: run\` with what it is now as \`data:\`, and has the position of the stream as \`id:\`. \
Open the stream first and read lists when its headers have come: then nothing lies between the two. \
A client that comes back sends the last \`id:\` as \`Last-Event-ID\`, to this server or another replica, and is told what it missed; \
it may be told twice. \`event: reset\` says that changes were left out (the position is too old or unknown, the store could not be read for a while, or the client reads too slowly): read the lists again and go on. \
A comment comes each 15 seconds, with the position. The stream ends about a second after the server begins to stop; connect again after 3 seconds (\`retry:\`).`,
  query: {
    topics: z
      .string()
      .min(1)
      .refine(
        (text) => text.split(',').every((word) => topics.has(word)),
        `is not a list of ${[...topics.keys()].join(', ')}`,
      )
      .meta({
        description: 'Only of these, with commas between; all unless said.',
        examples: ['alerts', 'alerts,runs'],
      })
      .transform((text) => text.split(',').map((word) => topics.get(word)))
      .optional(),
    alert: textParameter('Only of the alert with this id and of its runs.').optional(),
    run: textParameter('Only of the run with this id.').optional(),
  },
  headers: {
    'Last-Event-ID': textParameter('The last `id:` that the caller got.').optional(),
  },
  isStream: true,
  contentType: 'text/event-stream',
  example: { query: 'topics=alerts,runs' },
  answer: lazily(() => z.union([alertChange(), runChange()])),
  async handler({ feed, state }, { query, headers }, { reply }) {
    if (state() !== 'ready') throw new AppError('Draining', `the server is ${state()}`, { next: 'connect again' });
    const { topics, alert, run } = query;
    const client = createStreamClient(reply, (change) => {
      if (topics?.includes(change.kind) === false) return false;
      const alertId = change.kind === 'alert' ? change.id : change.alertId;
      const runId = change.kind === 'run' ? change.id : null;
      return (alert === undefined || alertId === alert) && (run === undefined || runId === run);
    });
    reply.raw.once('close', () => feed.leave(client));
    await feed.join(client, headers['Last-Event-ID'] ?? null);
    return reply;
  },
});
