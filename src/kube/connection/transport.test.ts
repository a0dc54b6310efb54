import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { startScriptedApi } from '../../../test/support/scripted-api.ts';
import type { Script, ScriptedAnswer } from '../../../test/support/scripted-api.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { KubeRequest } from './transport.ts';

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

test('a refusal that does not end is waited for no longer than any answer, and kept as far as it is of use', async () => {
  const script: Script = ({ path }, response) => {
    response.writeHead(403);
    if (path === '/long') response.end('x'.repeat(1_000_000));
    else response.write('pods is forb');
    return null;
  };
  const { transport } = await startScriptedApi(cleanup, script, { timeoutMs: 500 });
  const stopping = new AbortController();
  cleanup.defer(() => stopping.abort());
  await expect(transport.open('/stalled', {}, stopping.signal)).rejects.toMatchObject({
    code: 'ClusterUnavailable',
    message: expect.stringContaining('no answer within 500ms') as string,
  });
  const { body } = await transport.open('/long', {}, stopping.signal);
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  expect(bytes).toBe(65_536);
});

describe('a server that has just begun', () => {
  const forbidden = { status: 403, body: 'pods is forbidden: User "x" cannot list resource "pods"' };
  const asking = (isRefusal?: KubeRequest['isRefusal']): KubeRequest => ({
    method: 'GET',
    path: '/api/v1/pods',
    maxBytes: 1000,
    ...(isRefusal === undefined ? {} : { isRefusal }),
  });

  test('is not believed what it refuses, until it is ready and has said it again', async () => {
    let readyz = 500;
    const { transport, requests } = await startScriptedApi(cleanup, () => forbidden, { readyz: () => readyz });
    const open = () => transport.open('/api/v1/pods', {}, AbortSignal.timeout(5000));
    for (const send of [() => transport.ask(asking()), () => transport.once(asking()), open])
      await expect(send()).rejects.toMatchObject({ code: 'ClusterUnavailable' });
    readyz = 200;
    const before = requests.length;
    expect(await transport.once(asking())).toMatchObject({ status: 403 });
    expect(requests.length - before).toBe(2);
    expect(await open()).toMatchObject({ status: 403 });
    expect(await transport.once(asking())).toMatchObject({ status: 403 });
    expect(await transport.once(asking())).toMatchObject({ status: 403 });
    expect(requests.length - before).toBeLessThanOrEqual(6);
  });

  test('is asked after each connection that is made, and what it then allows is done', async () => {
    const answers = [{ status: 200 }, forbidden, { status: 200 }];
    let asked = 0;
    const { transport } = await startScriptedApi(
      cleanup,
      (_request, response) => {
        // Each answer is the last one of its connection.
        response.setHeader('connection', 'close');
        return answers.shift() ?? { status: 500 };
      },
      { readyz: () => (asked += 1) && 200 },
    );
    expect(await transport.once(asking())).toMatchObject({ status: 200 });
    expect(await transport.once(asking())).toMatchObject({ status: 200 });
    expect(answers).toEqual([]);
    expect(asked).toBe(1);
  });

  test('is believed where it has no word for being ready', async () => {
    const { transport } = await startScriptedApi(cleanup, () => forbidden, { readyz: () => 404 });
    expect(await transport.ask(asking())).toMatchObject({ status: 403 });
  });

  test('says itself what a quota does not allow', async () => {
    const quota = { status: 403, body: 'exceeded quota: few' };
    const { transport, requests } = await startScriptedApi(cleanup, () => quota, { readyz: () => 500 });
    expect(await transport.ask(asking())).toMatchObject(quota);
    expect(requests).toHaveLength(1);
  });

  describe('and does not let itself be asked', () => {
    async function startSilent(answer: () => ScriptedAnswer, readyz: () => number) {
      vi.useFakeTimers({ toFake: ['performance'] });
      cleanup.defer(() => void vi.useRealTimers());
      const script: Script = (_request, response) => {
        // Each answer is the last one of its connection.
        response.setHeader('connection', 'close');
        return answer();
      };
      return (await startScriptedApi(cleanup, script, { readyz })).transport;
    }

    test('is not believed for half a minute, however many connections are made', async () => {
      const transport = await startSilent(
        () => forbidden,
        () => 403,
      );
      await expect(transport.once(asking())).rejects.toMatchObject({ code: 'ClusterUnavailable' });
      vi.advanceTimersByTime(29_000);
      await expect(transport.once(asking())).rejects.toMatchObject({ code: 'ClusterUnavailable' });
      vi.advanceTimersByTime(1000);
      expect(await transport.once(asking())).toMatchObject({ status: 403 });
    });

    test('is not believed at once when it begins anew, after it said that it was ready', async () => {
      let [answer, readyz]: [ScriptedAnswer, number] = [forbidden, 403];
      const transport = await startSilent(
        () => answer,
        () => readyz,
      );
      await expect(transport.once(asking())).rejects.toMatchObject({ code: 'ClusterUnavailable' });
      [answer, readyz] = [{ status: 200 }, 200];
      expect(await transport.once(asking())).toMatchObject({ status: 200 });
      vi.advanceTimersByTime(3_600_000);
      [answer, readyz] = [forbidden, 403];
      await expect(transport.once(asking())).rejects.toMatchObject({ code: 'ClusterUnavailable' });
    });
  });

  test('is not believed what it says no to in other words', async () => {
    const { transport } = await startScriptedApi(cleanup, () => ({ status: 201 }), { readyz: () => 500 });
    expect(await transport.ask(asking())).toMatchObject({ status: 201 });
    await expect(transport.ask(asking(() => true))).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });

  test('is not sent more where it is busy', async () => {
    const { transport, requests } = await startScriptedApi(cleanup, () => ({ status: 429 }), { readyz: () => 200 });
    expect(await transport.once(asking(() => true))).toMatchObject({ status: 429 });
    expect(requests).toHaveLength(1);
  });
});
