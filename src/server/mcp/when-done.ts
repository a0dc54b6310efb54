import { z } from 'zod';
import { isFinal } from '../../core/run.ts';
import type { AnswerOf } from '../routes.ts';
import { callRoute } from './call-route.ts';
import type { ToolWorld } from './define.ts';

export type RunDetail = AnswerOf<'GET /api/v1/runs/:id'>;

const longestSeconds = 30;
const lookEveryMs = 1000;

export const waitArgument = z
  .int()
  .min(0)
  .max(longestSeconds)
  .default(0)
  .describe('Where the run has not ended: waits so many seconds for its end at most.');

/** A run, once it has ended or the time is over. */
export async function runWhenDone({ api, pause }: ToolWorld, id: string, seconds: number): Promise<RunDetail> {
  const read = (key: string) => callRoute(api, 'GET /api/v1/runs/:id', { params: { id: key } });
  let run = await read(id);
  for (let second = 0; second < seconds && !isFinal(run.status) && (await pause(lookEveryMs)); second += 1)
    // What was named may be another one later: `@latest`.
    run = await read(run.id);
  return run;
}
