import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { AppError } from '../core/errors.ts';
import type { ApiCaller } from '../lib/api-call.ts';
import { serveAssistant } from './assistant-stdio.ts';

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

type Message = Readonly<Record<string, unknown>> & { readonly id?: unknown };

/** `fist mcp` without a process: what was written to it, and what it wrote. */
function start(
  api: Partial<ApiCaller> = {},
  options: { readonly patienceMs?: number; readonly write?: (line: string) => void } = {},
) {
  const input = new PassThrough();
  const stopping = new AbortController();
  const written: Message[] = [];
  const aborted: AbortSignal[] = [];
  const watchers = new Set<() => void>();
  const warned: unknown[] = [];
  const done = serveAssistant({
    input,
    write(line) {
      options.write?.(line);
      expect(line).toMatch(/^[^\n]+\n$/);
      written.push(JSON.parse(line) as Message);
      for (const look of watchers) look();
    },
    api(signal) {
      aborted.push(signal);
      const none = async () => ({ items: [], nextCursor: null });
      return { get: none, post: none, ...api };
    },
    allowStart: false,
    clock: createFakeClock(),
    log: { warn: (fields) => void warned.push(fields), error: () => undefined },
    signal: stopping.signal,
    ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
  });
  done.catch(() => undefined);
  ending.push(() => stopping.abort());
  return {
    input,
    done,
    written,
    warned,
    /** Of the calls so far. */
    aborted,
    stop: () => stopping.abort(),
    send: (...messages: readonly object[]) =>
      messages.forEach((message) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)),
    answer: (id: unknown) =>
      new Promise<Message>((resolve) => {
        const look = () => {
          const found = written.find((message) => message.id === id);
          if (found !== undefined) resolve(found);
        };
        watchers.add(look);
        look();
      }),
  };
}

const hello = {
  id: 'hello',
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const call = (id: number, name = 'list_runs', input = {}) => ({
  id,
  method: 'tools/call',
  params: { name, arguments: input },
});

test('what was asked before the input ended is answered', async () => {
  const fist = start();
  fist.send(hello, call(1), call(2, 'list_gaps'));
  fist.input.end();
  await fist.done;
  expect(new Set(fist.written.map(({ id }) => id))).toEqual(new Set([1, 2, 'hello']));
});

test('the last line needs no end', async () => {
  const fist = start();
  fist.input.end(JSON.stringify({ jsonrpc: '2.0', ...hello }));
  await fist.done;
  expect(fist.written).toMatchObject([{ id: 'hello', result: { serverInfo: { name: 'punching-fist' } } }]);
});

test('an input without a line ends it', async () => {
  const fist = start();
  fist.input.end();
  await fist.done;
  expect(fist.written).toEqual([]);
});

test.each([
  ['no JSON', 'what?', 'is not JSON'],
  ['a batch', JSON.stringify([hello]), 'is no message: batches are not taken'],
  ['a text', '"hello"', 'is no message: batches are not taken'],
  ['deep JSON', `${'['.repeat(80)}${']'.repeat(80)}`, 'is more than 64 deep'],
  ['much JSON', `[${'1,'.repeat(20_000)}1]`, 'has more than 20000 values'],
  ['a long line', `"${'x'.repeat(1024 * 1024)}"`, 'is longer than 1048576 bytes'],
])('%s is refused, and the next message served', async (_, line, why) => {
  const fist = start();
  fist.input.write(`${line}\n`);
  fist.send(hello, call(1));
  expect(await fist.answer(1)).toHaveProperty('result');
  expect(fist.written[0]).toEqual({ jsonrpc: '2.0', id: null, error: { code: -32_700, message: `the line ${why}` } });
  expect(fist.warned).toContainEqual({ why });
});

test.each([
  ['no method', { id: 5 }],
  ['a method of no revision', { id: 5, method: 'nothing/here' }],
  ['wrong parameters', { id: 5, method: 'tools/call', params: { name: 7 } }],
])('a message with %s is answered with an error or not at all, and the next one served', async (_, message) => {
  const fist = start();
  fist.send(hello, message, call(1));
  expect(await fist.answer(1)).toHaveProperty('result');
  const answer = fist.written.find(({ id }) => id === 5);
  if (answer !== undefined) expect(answer).toHaveProperty('error');
});

test('the error of the server is one of the tool, and the next call is another try', async () => {
  let isThere = false;
  const fist = start({
    async get() {
      if (isThere) return { items: [], nextCursor: null };
      throw new AppError('Unreachable', 'no server answers at http://fist', { next: 'fist serve' });
    },
  });
  fist.send(hello, call(1));
  expect(await fist.answer(1)).toMatchObject({
    result: {
      isError: true,
      content: [{ text: '{"code":"Unreachable","message":"no server answers at http://fist","next":"fist serve"}' }],
    },
  });
  isThere = true;
  fist.send(call(2));
  expect(await fist.answer(2)).toMatchObject({ result: { content: [{ text: 'No run matches.' }] } });
});

test('a defect is told without what it was', async () => {
  const fist = start({ get: () => Promise.reject(new TypeError('secret of ours')) });
  fist.send(hello, call(1));
  const answer = await fist.answer(1);
  expect(answer).toMatchObject({ result: { isError: true } });
  expect(JSON.stringify(answer)).not.toContain('secret of ours');
});

test('a call that is cancelled is given up, and not answered', async () => {
  const begun = Promise.withResolvers<void>();
  const never = Promise.withResolvers<never>();
  const fist = start({
    get() {
      begun.resolve();
      return never.promise;
    },
  });
  fist.send(hello, call(1));
  await begun.promise;
  fist.send({ method: 'notifications/cancelled', params: { requestId: 1 } }, { id: 2, method: 'ping' });
  await fist.answer(2);
  expect(fist.aborted.map(({ aborted }) => aborted)).toEqual([true]);
  fist.input.end();
  await fist.done;
  never.reject(new AppError('Cancelled', 'cancelled'));
  expect(fist.written.map(({ id }) => id)).toEqual(['hello', 2]);
});

test('a call that does not end holds it for a while only, once the input has ended', async () => {
  const fist = start({ get: () => new Promise(() => undefined) }, { patienceMs: 20 });
  fist.send(hello, call(1));
  fist.input.end();
  await fist.done;
  expect(fist.aborted.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a signal ends it at once', async () => {
  const fist = start({ get: () => new Promise(() => undefined) });
  fist.send(hello, call(1));
  await fist.answer('hello');
  fist.stop();
  await fist.done;
  expect(fist.written).toHaveLength(1);
});

test('a signal that came before it listened ends it as well', async () => {
  const fist = start();
  fist.stop();
  await fist.done;
  expect(fist.written).toEqual([]);
});

test('it ends where nobody reads its answers', async () => {
  const fist = start(
    {},
    {
      write: () => {
        throw new AppError('DeliveryFailed', 'standard output could not be written');
      },
    },
  );
  fist.send(hello);
  await expect(fist.done).rejects.toMatchObject({ code: 'DeliveryFailed' });
});
