import { parentPort, workerData } from 'node:worker_threads';
import { compileCheck, withinLimit } from '../lib/json-schema.ts';
import type { LongCheck } from './long-check.ts';

// The whole of a thread: see checkApart.

const { schema, value } = workerData as LongCheck;
const check = compileCheck(schema);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- the port of a thread has no origin
parentPort?.postMessage(withinLimit(() => check(value)));
