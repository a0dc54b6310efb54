import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Wrong } from './pairs.ts';

/** A value that is to be compared with a JSON Schema. */
export interface LongCheck {
  readonly schema: JsonObject;
  readonly value: unknown;
}

/** Threads at a time. */
const mostThreads = 2;
/** Checks that wait for one. */
const mostWaiting = 8;
/** Of a thread that does not answer: its own limit is far below. */
const mostMs = 15_000;

let threads = 0;
const waiting: (() => void)[] = [];

/**
 * Compares in a thread of its own, which ends with the answer: a library that cannot be left in the middle of its work would
 * hold the event loop. Throws StoreUnavailable, reason Overloaded, where many wait already.
 */
export async function checkApart(check: LongCheck): Promise<Wrong | null> {
  if (threads < mostThreads) threads += 1;
  else if (waiting.length < mostWaiting) await new Promise<void>((goOn) => waiting.push(goOn));
  else
    throw new AppError('StoreUnavailable', 'many bodies wait to be compared with their schemas', {
      reason: 'Overloaded',
      next: 'send it again',
    });
  try {
    return await inThread(check);
  } finally {
    // Who waits longest has the place of this one.
    const next = waiting.shift();
    if (next === undefined) threads -= 1;
    else next();
  }
}

async function inThread(workerData: LongCheck): Promise<Wrong | null> {
  // A built program has it beside this file as `.js`.
  const file = new URL(`./schema-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData });
  worker.unref();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Wrong | null>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread ended without an answer')));
      timer = setTimeout(() => reject(new Error(`the thread did not answer within ${mostMs} ms`)), mostMs);
    });
  } catch (cause) {
    const message = `a body was not compared with its schema: ${(cause as Error).message}`;
    throw new AppError('ResourcesExhausted', message, { cause });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
