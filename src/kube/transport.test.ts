import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startScriptedApi } from '../../test/support/scripted-api.ts';
import { waitFor } from '../../test/support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('where a server hangs, what is urgent does not wait behind all the rest', async () => {
  const hanging: ServerResponse[] = [];
  const { transport, requests } = await startScriptedApi(cleanup, ({ path }, response) => {
    if (path === '/urgent') return { status: 200 };
    hanging.push(response);
    return null;
  });
  const ask = (path: string, isUrgent: boolean) => {
    const limits = { timeoutMs: 30_000, signal: new AbortController().signal, isUrgent };
    return transport.once({ method: 'GET', path, maxBytes: 100, limits });
  };
  const waiting = Array.from({ length: 12 }, () => ask('/slow', false));
  await waitFor('all connections to be taken', () => hanging.length === 8);
  expect(await ask('/urgent', true)).toMatchObject({ status: 200 });
  expect(requests).toHaveLength(9);
  const answerAll = setInterval(() => {
    for (const response of hanging.splice(0)) response.end();
  }, 1);
  cleanup.defer(() => clearInterval(answerAll));
  expect(await Promise.all(waiting)).toHaveLength(12);
});
