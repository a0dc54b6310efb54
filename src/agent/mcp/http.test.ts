import { expect, test } from 'vitest';
import { McpFailure } from './failure.ts';
import { urlTransport } from './http.ts';
import { countTraffic } from './traffic.ts';

const limits = { messageBytes: 100_000, bytes: 1_000_000, messages: 10, garbage: 10 };

/** An answer without an end; says how much of it was taken. */
function endless(status: number): {
  readonly answer: Response;
  readonly taken: () => number;
  readonly ended: () => boolean;
} {
  let taken = 0;
  let isEnded = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 10_000;
      controller.enqueue(new Uint8Array(10_000).fill(32));
    },
    cancel: () => void (isEnded = true),
  });
  const answer = new Response(body, { status, headers: { 'content-type': 'application/json' } });
  return { answer, taken: () => taken, ended: () => isEnded };
}

test.each([
  [200, 100_000],
  [500, 16 * 1024],
])('of an answer with status %i no more than %i bytes are taken', async (status, most) => {
  const failures: McpFailure[] = [];
  const { answer, taken, ended } = endless(status);
  const transport = await urlTransport(
    async () => answer,
    { url: 'http://mcp.test/', headers: {} },
    countTraffic(limits, (failure) => void failures.push(failure)),
  );
  await transport.start();
  await expect(transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).rejects.toThrow(/JSON|POST/);
  // What the streams between keep ready comes to it.
  expect(taken()).toBeLessThanOrEqual(most + 30_000);
  expect(ended()).toBe(true);
  expect(failures.map(({ reason }) => reason)).toEqual(status === 200 ? ['McpTooLarge'] : []);
});

test('no stream is opened for what a server says by itself', async () => {
  const methods: (string | undefined)[] = [];
  const transport = await urlTransport(
    async (_, init) => {
      methods.push(init?.method);
      return new Response(null, { status: 202 });
    },
    { url: 'http://mcp.test/', headers: {} },
    countTraffic(limits, () => undefined),
  );
  await transport.start();
  await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(methods).toEqual(['POST']);
});
