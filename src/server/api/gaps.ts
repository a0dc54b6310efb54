import { z } from 'zod';
import { createGapCount, mostGapRuns } from '../../core/gaps.ts';
import type { RunQuery } from '../../core/lists.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { defineRoute } from '../define-route.ts';
import type { ServerReader } from '../options.ts';
import { count, lazily, limitParameter, pageOf, present, text, textParameter, time } from './fields.ts';
import { timeParameters, timesOf } from './fields.ts';

const gap = lazily(() =>
  z
    .strictObject({
      kind: z.enum(['not_captured', 'forbidden', 'unavailable']).describe('Why it was not given.'),
      resource: text('`pods`, `pods/log`; null: the whole cluster.').nullable(),
      namespace: text('Where; null: not in one namespace.').nullable(),
      what: text('The newest of them, for people.'),
      reason: text('What the cluster said.'),
      remedy: text('What people can do so that the next investigation has it.'),
      runs: count('Runs that lacked it.'),
      of: count('Investigations that were looked at.'),
      lastRun: text('Id of the newest run that lacked it.'),
      lastSeen: time('When that run was made.'),
    })
    .meta({ id: 'Gap', description: 'What investigations asked for and were not given, in one place for one reason.' }),
);

export const listGaps = defineRoute({
  name: 'listGaps',
  method: 'GET',
  path: '/api/v1/gaps',
  access: 'token',
  summary: 'What the newest 200 runs lacked in their investigations, how often, and the remedy.',
  query: {
    limit: limitParameter,
    ...timeParameters,
    workflow: textParameter('Only of the Workflow with this name.', 'triage').optional(),
    namespace: textParameter('Only of Workflows in this namespace.', 'default').optional(),
  },
  answer: lazily(() => pageOf(gap(), 'The most frequent first; it is one page.')),
  async handler({ reader: { lists, runs }, clock }, { query }) {
    const { limit, workflow, namespace } = query;
    const filter = { ...timesOf(query, clock.now()), ...present({ workflow, namespace }) };
    const found = createGapCount();
    for await (const { id, createdAt } of newestRuns(lists, filter)) {
      // Reports are large, and parsing them is work.
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      found.add({ id, createdAt, steps: await runs.steps(id) });
    }
    return { items: found.list(limit), nextCursor: null };
  },
});

/** Pages of runs that are asked for, at most: with filters one may be short. */
const mostPages = 10;

async function* newestRuns(lists: ServerReader['lists'], filter: Omit<RunQuery, 'limit' | 'cursor'>) {
  let left = mostGapRuns;
  let cursor: string | null = null;
  for (let page = 0; page < mostPages && left > 0 && (page === 0 || cursor !== null); page += 1) {
    const { items, nextCursor } = await lists.runs({ ...filter, limit: left, ...(cursor === null ? {} : { cursor }) });
    yield* items;
    left -= items.length;
    cursor = nextCursor;
  }
}
