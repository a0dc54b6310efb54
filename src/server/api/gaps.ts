import { createGapCount, mostGapRuns } from '../../core/gaps.ts';
import type { RunQuery } from '../../core/lists.ts';
import type { Clock } from '../../core/ports.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import type { ServerReader } from '../options.ts';
import { present, readLimit, readTimes } from '../query.ts';
import type { Handlers } from '../routes.ts';
import { queryOf } from './request.ts';

/** Pages of runs that are asked for, at most: with filters one may be short. */
const mostPages = 10;

/** What the newest investigations asked for and were not given. */
export function gapHandlers({ lists, runs }: ServerReader, clock: Clock): Handlers<'GET /api/v1/gaps'> {
  return {
    'GET /api/v1/gaps': async (request) => {
      const query = queryOf(request);
      const limit = readLimit(query);
      const filter = {
        ...readTimes(query, clock.now()),
        ...present({ workflow: query.text('workflow'), namespace: query.text('namespace') }),
      };
      query.end();
      const count = createGapCount();
      for await (const { id, createdAt } of newestRuns(lists, filter)) {
        // Reports are large, and parsing them is work.
        if (eventLoopTurns.isOver()) await eventLoopTurns.next();
        count.add({ id, createdAt, steps: await runs.steps(id) });
      }
      return { items: count.list(limit), nextCursor: null };
    },
  };
}

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
