import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError } from '../core/errors.ts';
import { isFinal } from '../core/run.ts';
import { durationText } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import type { AnswerOf } from '../server/routes.ts';
import type { ApiClient } from './client.ts';
import { answerIsNo } from './failure.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

/** What `POST /alerts` answers. */
export interface Posted {
  readonly id: string;
  readonly message: string;
}

const everyMs = 500;

/**
 * Sends an alert of `POST /alerts`, waits until all runs about it, since it fires, have ended and told their Sinks, and says so. Returns
 * the exit code: 1 where a run or a delivery failed, or there is no run. Throws Timeout.
 */
export async function sendAndWait(
  terminal: Terminal,
  client: Pick<ApiClient, 'post' | 'call'>,
  body: unknown,
  timeoutMs: number,
): Promise<number> {
  const end = performance.now() + timeoutMs;
  const { id, message } = await post(client, body, end);
  terminal.out(`alert/${id}\n`);
  tell(terminal, message);
  for (;;) {
    const { episode, runs, deliveries } = await client.call('GET /api/v1/alerts/:id', { params: { id } });
    const own = runs.filter((run) => run.episode === episode);
    if (own.length === 0) {
      tell(terminal, `next: fist describe alert/${id}`);
      return answerIsNo;
    }
    const ids = new Set(own.map((run) => run.id));
    const told = deliveries.filter(({ runId }) => runId !== null && ids.has(runId));
    if (own.every(({ status }) => isFinal(status)) && told.every(({ status }) => status !== 'pending'))
      return report(terminal, own, told);
    if (performance.now() >= end) throw late(id, timeoutMs);
    await sleep(everyMs);
  }
}

/** A Source that was made just now is known a moment later. */
async function post(client: Pick<ApiClient, 'post'>, body: unknown, end: number): Promise<Posted> {
  for (;;) {
    try {
      return (await client.post('/alerts', body)) as Posted;
    } catch (thrown) {
      const { code, field } = toAppError(thrown);
      if (code !== 'NotFound' || field !== 'source' || performance.now() >= end) throw thrown;
    }
    await sleep(everyMs);
  }
}

type Detail = AnswerOf<'GET /api/v1/alerts/:id'>;

function report(terminal: Terminal, runs: Detail['runs'], deliveries: Detail['deliveries']): number {
  for (const { id, status, error } of runs) terminal.out(`run/${id} ${status}${because(error)}\n`);
  for (const { id, status, sinkName, error } of deliveries)
    terminal.out(`delivery/${id} ${status}, Sink ${sinkName}${because(error)}\n`);
  const isFine =
    runs.every(({ status }) => status === 'succeeded') && deliveries.every(({ status }) => status !== 'failed');
  return isFine ? 0 : answerIsNo;
}

function because(error: string | null): string {
  return error === null ? '' : `: ${plain(error)}`;
}

function late(id: string, timeoutMs: number): AppError {
  return new AppError(
    'Timeout',
    `alert/${id} was taken, and not all that it started has ended in ${durationText(timeoutMs)}`,
    {
      next: `fist describe alert/${id}`,
    },
  );
}
