import { z } from 'zod';
import { defineRoute } from '../define-route.ts';
import { readStatus } from '../status.ts';
import { count, flag, lazily, text, time } from './fields.ts';

const counted = (description: string) =>
  z.strictObject({ count: count('So many.'), more: flag('There are more.') }).describe(description);

const statusAnswer = lazily(() =>
  z
    .strictObject({
      well: flag('Nothing is wrong.'),
      problems: z
        .array(
          z.strictObject({
            part: z.enum(['server', 'store', 'source', 'workflow', 'sink', 'runs', 'cluster']).describe('Which part.'),
            message: text('What is wrong.'),
            next: text('The command that shows more.'),
          }),
        )
        .describe('What is wrong.'),
      server: z
        .strictObject({
          version: text('Of fist.'),
          state: z.enum(['starting', 'ready', 'draining']).describe('Whether it takes alerts.'),
          time: time('Its time.'),
        })
        .describe('The process that answers.'),
      store: z
        .strictObject({
          kind: z.enum(['SQLite', 'PostgreSQL']).describe('The database.'),
          ready: flag('It takes writes.'),
          problem: text('Why it does not.').nullable(),
          bytes: count('Of the whole database.'),
          schema: count('Version of the schema.'),
        })
        .describe('The database.'),
      sources: z
        .array(
          z.strictObject({
            name: text('`namespace/name`.'),
            ready: flag('It takes notifications.'),
            reason: text('Why it does not, or what was wrong with the last one; empty: nothing.'),
            events: count('Notifications so far.'),
            lastEventTime: time('When the last one came.').nullable(),
            refused: count('Requests that were not let in, in the last hour, by the process that answers.'),
            refusedWhy: text('`Unauthenticated 3`.'),
          }),
        )
        .describe('Where alerts come from.'),
      sinks: z
        .array(
          z.strictObject({
            name: text('`namespace/name`.'),
            ready: flag('It can be sent to.'),
            reason: text('Why not; empty: it can.'),
            lastSentTime: time('The last success.').nullable(),
            waiting: counted('Deliveries that have not ended.'),
            oldestWaiting: time('Since when the oldest of them is due.').nullable(),
            failed: counted('Deliveries made in the last hour that failed.'),
            lastError: text('Of the last attempt that failed, until one succeeds.').nullable(),
          }),
        )
        .describe('Where reports go.'),
      runs: z
        .strictObject({
          running: counted('At work, or waiting between two steps.'),
          waiting: counted('To be begun.'),
          failed: counted('Made in the last hour and failed.'),
        })
        .describe('Investigations.'),
      cluster: z
        .strictObject({
          description: text('Which.'),
          reachable: flag('It answered a small read just now.'),
          problem: text('Why it did not.').nullable(),
          lastFailure: z
            .strictObject({ message: text('What it said.'), at: time('When.') })
            .nullable()
            .describe('The last read that was not answered, since the process began.'),
        })
        .nullable()
        .describe('What is investigated; null: none was named.'),
      models: z
        .strictObject({
          server: text('Asked by Workflows that name none, or why it cannot be; null: the analyzers alone.').nullable(),
          workflows: z.int().min(0).describe('Workflows that name one.'),
        })
        .describe('Models that agent steps ask.'),
    })
    .meta({ id: 'Status', description: 'Whether fist itself is well.' }),
);

export const getStatus = defineRoute({
  name: 'getStatus',
  method: 'GET',
  path: '/api/v1/status',
  access: 'token',
  summary: 'Whether fist itself is well: store, Sources, Sinks, runs, cluster.',
  description: 'Counts go to 100. What is wrong stands in `problems`, each with the next command.',
  answer: statusAnswer,
  handler: (context) => readStatus(context),
});
