import { readFileSync } from 'node:fs';
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

/** Seconds until the system asks whether the peer of our connection to `port` is there; null = it does not ask. */
function keepAliveSeconds(port: number): number | null {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    // Established, and the timer of kind 2, in hundredths.
    const found = /^ *\d+: \S+ (\S+) 01 \S+ 02:([0-9A-F]{8}) /.exec(line);
    if (found?.[1]?.endsWith(`:${hexadecimal}`) === true) return parseInt(found[2] ?? '', 16) / 100;
  }
  return null;
}

test.skipIf(process.platform !== 'linux')('whether the peer is there is asked soon, on each connection', async () => {
  const hanging: ServerResponse[] = [];
  const { transport } = await startScriptedApi(cleanup, (_request, response) => {
    response.writeHead(200);
    response.write('{}\n');
    hanging.push(response);
    return null;
  });
  const stopping = new AbortController();
  cleanup.defer(() => stopping.abort());
  const answer = await transport.open('/watch', {}, stopping.signal);
  const body = answer.body[Symbol.asyncIterator]();
  await body.next();
  const seconds = keepAliveSeconds(Number(new URL(transport.server).port));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(15);
  stopping.abort();
  await body.next().catch(() => undefined);
  for (const response of hanging) response.destroy();
});
