import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../core/errors.ts';
import type { ServerEvent } from '../lib/server-sent-events.ts';
import type { ApiClient } from './client.ts';
import { endProcess } from './end-process.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';
import { exitCodeOf, onStopSignals } from './signals.ts';

/** When what changed did so, by `alert/ID`; null: read everything, whatever changed. */
export type Changed = ReadonlyMap<string, string> | null;

const defaultRetryMs = 3000;
const longestRetryMs = 30_000;

/**
 * Follows the stream of changes until Ctrl-C (then 130), or `isDone` after it was read (then 0): calls `read` when the stream has begun, so that nothing lies between
 * the two, and after each change. A connection that breaks off is made again, from the position where it was; the first one
 * must succeed.
 */
export async function watchChanges(
  terminal: Terminal,
  client: ApiClient,
  path: string,
  read: (changed: Changed) => Promise<void>,
  isDone: () => boolean = () => false,
): Promise<number> {
  const ended = new AbortController();
  let exitCode = 0;
  const stop = (code: number) => {
    exitCode = code;
    ended.abort();
  };
  const forget = onStopSignals(
    () => stop(exitCodeOf.SIGINT),
    (signal) => endProcess(exitCodeOf[signal]),
  );
  try {
    await follow(terminal, client, path, { read, isDone }, ended.signal);
    return exitCode;
  } finally {
    forget();
  }
}

async function follow(
  terminal: Terminal,
  client: ApiClient,
  path: string,
  { read, isDone }: { read: (changed: Changed) => Promise<void>; isDone: () => boolean },
  signal: AbortSignal,
): Promise<void> {
  let [lastId, retryMs, failures, hasBegun] = ['', defaultRetryMs, 0, false];
  while (!signal.aborted) {
    const connection = new AbortController();
    try {
      const events = await client.events(path, lastId, AbortSignal.any([signal, connection.signal]));
      if (failures > 0) tell(terminal, 'connected again');
      [failures, hasBegun] = [0, true];
      await read(null);
      if (isDone()) return;
      for await (const batch of inBatches(events)) {
        const last = batch.at(-1);
        retryMs = last?.retryMs ?? retryMs;
        const told = batch.filter(({ data }) => data !== '');
        if (told.length > 0) await read(told.some(({ type }) => type === 'reset') ? null : changesOf(told));
        if (isDone()) return;
        // What could not be read is told again.
        lastId = last?.id ?? lastId;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      if (!hasBegun || !toAppError(thrown).retryable) throw thrown;
    } finally {
      connection.abort();
    }
    if (failures === 0) tell(terminal, 'the connection was lost; trying again, Ctrl-C ends');
    await sleep(Math.min(longestRetryMs, retryMs * 2 ** failures++), undefined, { signal }).catch(() => undefined);
  }
}

function changesOf(events: readonly ServerEvent[]): ReadonlyMap<string, string> {
  return new Map(
    events.map(({ type, data }) => {
      const { id, at } = JSON.parse(data) as { id: string; at: string };
      return [`${type}/${id}`, at];
    }),
  );
}

/** All that has come while the last batch was worked on is the next one. */
async function* inBatches<T>(source: AsyncIterable<T>): AsyncIterable<readonly T[]> {
  let [waiting, wake]: [T[], PromiseWithResolvers<void>] = [[], Promise.withResolvers<void>()];
  const reading = (async () => {
    for await (const item of source) {
      waiting.push(item);
      wake.resolve();
    }
  })();
  const state = { isOpen: true };
  const close = () => {
    state.isOpen = false;
    wake.resolve();
  };
  reading.then(close, close);
  while (state.isOpen || waiting.length > 0) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) yield batch;
  }
  await reading;
}
