import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { waitFor } from '../../test/support/wait.ts';
import { lowestIdAt } from '../lib/id.ts';
import { runProgram } from './program.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const run = (id: string, status: string, more: object = {}) => ({
  id,
  name: 'triage',
  namespace: 'shop',
  status,
  waitingFor: null,
  stepsCompleted: 0,
  totalSteps: 2,
  input: { alert: { name: 'Down' } },
  createdAt: '2026-01-01T00:00:00Z',
  errorCode: null,
  error: null,
  steps: [],
  evidence: [],
  deliveries: [],
  outputs: {},
  ...more,
});

/** Of the API's list, so that there are some. */
const mostOfPage = 100;
const changeOf = (id: string) => `event: run\ndata: {"id":"${id}","at":"2026-01-01T00:00:00Z"}`;

/** Runs, the newest first, a second apart. */
function runs(count: number, from = 0) {
  return Array.from({ length: count }, (_, index) => {
    const atMs = Date.parse('2026-01-01T00:00:00Z') + (from + count - index) * 1000;
    return run(lowestIdAt(atMs), 'pending', { createdAt: new Date(atMs).toISOString() });
  });
}

/** A server with a list of runs that a test changes, and a stream that it writes. */
async function startStream(first: readonly ReturnType<typeof run>[]) {
  const state = { items: first, hidden: [] as readonly ReturnType<typeof run>[], refuse: 0 };
  const requests = { lists: [] as URLSearchParams[], single: 0, most: 0 };
  const connections: { readonly url: string; readonly lastId: string; readonly response: ServerResponse }[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    if (pathname === '/api/v1/stream') {
      if (state.refuse-- > 0) {
        response.writeHead(503).end(JSON.stringify({ code: 'Draining', message: 'the server is starting' }));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 5\n\n');
      connections.push({ url: request.url ?? '', lastId: String(request.headers['last-event-id'] ?? ''), response });
    } else if (pathname === '/api/v1/runs') {
      requests.lists.push(searchParams);
      const [from, since] = [Number(searchParams.get('cursor') ?? 0), searchParams.get('since') ?? ''];
      const all = state.items.filter(({ createdAt }) => createdAt >= since);
      const to = from + Math.min(mostOfPage, Number(searchParams.get('limit')));
      response.end(JSON.stringify({ items: all.slice(from, to), nextCursor: to < all.length ? String(to) : null }));
    } else {
      requests.most = Math.max(requests.most, ++requests.single);
      setTimeout(() => {
        requests.single -= 1;
        const one = [...state.items, ...state.hidden].find(({ id }) => pathname.endsWith(`/${id}`));
        const missing = { code: 'NotFound', message: 'gone' };
        response.writeHead(one === undefined ? 404 : 200).end(JSON.stringify(one ?? missing));
      }, 1);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => new Promise((done) => (server.closeAllConnections(), server.close(done))));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  function start(...words: string[]) {
    let [out, err] = ['', ''];
    const env = { FIST_SERVER: url, FIST_TOKEN: 't' };
    const code = runProgram(words, {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      colour: false,
      env,
    });
    return { code, out: () => out, err: () => err };
  }
  const tell = (id: string, text: string) => connections.at(-1)?.response.write(`id: ${id}\n${text}\n\n`);
  return {
    state,
    requests,
    connections,
    start,
    tell,
    change: (id: string, key: string) => tell(id, changeOf(key)),
    /** In one look of the server. */
    changes: (keys: readonly string[]) => tell('9', keys.map(changeOf).join('\n\nid: 9\n')),
  };
}

const until = (what: string, holds: () => boolean) => waitFor(what, () => (holds() ? true : null), { everyMs: 2 });
const interrupt = () => process.emit('SIGINT', 'SIGINT');

test('a list, then what changes as rows beneath it, until Ctrl-C: 130 and nothing said', async () => {
  const stream = await startStream([run('bbbb', 'running'), run('aaaa', 'succeeded')]);
  const { code, out, err } = stream.start('get', 'runs', '--watch', '--status', 'running');
  await until('the list', () => out().split('\n').length === 4);
  expect(stream.connections[0]?.url).toBe('/api/v1/stream?topics=runs');
  // Nothing that is shown has changed.
  stream.change('1', 'bbbb');
  stream.state.items = [run('cccc', 'pending'), run('bbbb', 'running', { stepsCompleted: 1 })];
  stream.change('2', 'bbbb');
  await until('two rows', () => out().split('\n').length === 6);
  // It is left out by the filter now, and told all the same.
  stream.state.items = [run('cccc', 'pending')];
  stream.state.hidden = [run('bbbb', 'failed')];
  stream.change('3', 'bbbb');
  await until('one row', () => out().split('\n').length === 7);
  interrupt();
  expect(await code).toBe(130);
  expect(err()).toBe('');
  expect(
    out()
      .replace(/ {2,}\S+d$/gm, '')
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(0, 4).join(' ')),
  ).toEqual([
    'ID WORKFLOW STATUS STEPS',
    'bbbb triage running 0/2',
    'aaaa triage succeeded 0/2',
    'bbbb triage running 1/2',
    'cccc triage pending 0/2',
    'bbbb triage failed 0/2',
    '',
  ]);
});

test('a connection that breaks off goes on where it was, and nothing between is lost', async () => {
  const stream = await startStream([run('aaaa', 'pending')]);
  const { code, out, err } = stream.start('get', 'runs', '-w', '-o', 'jsonl');
  await until('the list', () => out() !== '');
  stream.tell('41', ': heartbeat');
  stream.change('42', 'aaaa');
  await until('it to be looked at', () => stream.requests.lists.length === 2);
  stream.state.items = [run('aaaa', 'running')];
  stream.state.refuse = 2;
  stream.connections[0]?.response.end();
  await until('a second connection', () => stream.connections.length === 2);
  await until('what changed between', () => out().split('\n').length === 3);
  expect(stream.connections[1]?.lastId).toBe('42');
  expect(err()).toBe('the connection was lost; trying again, Ctrl-C ends\nconnected again\n');
  // Changes that were left out: the list is read again.
  stream.state.items = [run('bbbb', 'pending'), run('aaaa', 'running')];
  stream.tell('50', 'event: reset\ndata: {"reason":"too old"}');
  await until('the list again', () => out().split('\n').length === 4);
  interrupt();
  expect(await code).toBe(130);
  expect(
    out()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string; status: string }).status),
  ).toEqual(['pending', 'running', 'pending']);
});

test('describe shows a run again when it has changed, of its own stream', async () => {
  const stream = await startStream([run('aaaa', 'pending')]);
  const { code, out } = stream.start('describe', 'run/aaaa', '--watch', '-o', 'yaml');
  await until('it', () => out() !== '');
  expect(stream.connections[0]?.url).toBe('/api/v1/stream?run=aaaa');
  stream.state.items = [run('aaaa', 'failed')];
  stream.change('1', 'aaaa');
  await until('it again', () => out().includes('\n---\n'));
  interrupt();
  expect(await code).toBe(130);
  expect(out().match(/^status: .*/gm)).toEqual(['status: pending', 'status: failed']);
});

test('what cannot be followed is refused, and a first connection must succeed', async () => {
  const stream = await startStream([]);
  const { code, err } = stream.start('get', 'sinks', '--watch');
  expect(await code).toBe(2);
  expect(err()).toBe(
    'error: the server does not tell when sinks change, as it does of alerts and runs\n' +
      '  field: --watch\n  next: watch -n 5 fist get sinks\n',
  );
  stream.state.refuse = 1;
  const late = stream.start('get', 'runs', '--watch');
  expect(await late.code).toBe(3);
  expect(late.err()).toContain('the server is starting');
});

const idsIn = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace('run/', ''));

test('what changed beyond the end of the list is shown too, and nothing else of there', async () => {
  const old = runs(30);
  const stream = await startStream(old);
  const { code, out, err } = stream.start('get', 'runs', '-w', '--limit', '2', '-o', 'name');
  await until('the list', () => idsIn(out()).length === 2);
  const burst = runs(5, 30);
  stream.state.items = [...burst, ...old];
  stream.changes(burst.map(({ id }) => id));
  await until('the burst', () => idsIn(out()).length === 7);
  // How many of them are worked on at once is a matter of time, and so is their order.
  expect(idsIn(out()).slice(2).toSorted()).toEqual(burst.map(({ id }) => id).toReversed());
  const since = () => stream.requests.lists.map((query) => query.get('since'));
  expect(since()).toContain('2026-01-01T00:00:31.000Z');
  // One that the filters leave out: all of the list since it was made was looked at.
  stream.change('10', lowestIdAt(Date.parse('2026-01-01T00:00:31.500Z')));
  await until('it to be looked for', () => since().includes('2026-01-01T00:00:31.500Z'));
  const [last] = runs(1, 35);
  stream.state.items = [...(last === undefined ? [] : [last]), ...stream.state.items];
  stream.change('11', last?.id ?? '');
  await until('the last one', () => idsIn(out()).at(-1) === last?.id);
  interrupt();
  expect(await code).toBe(130);
  expect(idsIn(out())).toHaveLength(8);
  expect(err()).toBe('');
});

test('what changed too far down is counted on standard error', async () => {
  const stream = await startStream(runs(2050));
  const { code, out, err } = stream.start('get', 'runs', '-w', '--limit', '2', '-o', 'name');
  await until('the list', () => idsIn(out()).length === 2);
  const { items } = stream.state;
  stream.changes([items[150], items[2040], items[2045]].map((one) => one?.id ?? ''));
  await until('the line', () => err() !== '');
  await until('the one that is in reach', () => idsIn(out()).length === 3);
  interrupt();
  expect(await code).toBe(130);
  expect(idsIn(out())[2]).toBe(items[150]?.id);
  expect(err()).toBe('2 more changed than could be looked at; next: fist get runs --limit 500\n');
});

test('what is no longer listed is asked for a few at a time; what retention took ends nothing', async () => {
  const [gone, ...others] = runs(70);
  const stream = await startStream(gone === undefined ? [] : [gone, ...others]);
  const { code, out, err } = stream.start('get', 'runs', '-w', '--limit', '70', '-o', 'jsonl');
  await until('the list', () => idsIn(out()).length === 70);
  stream.state.items = [];
  stream.state.hidden = others.map((one) => ({ ...one, status: 'failed' }));
  stream.tell('1', 'event: reset\ndata: {"reason":"too old"}');
  await until('all that are left', () => idsIn(out()).length === 139);
  expect(stream.requests.most).toBeGreaterThan(1);
  expect(stream.requests.most).toBeLessThanOrEqual(8);
  // All of the list is new: there may be more of it.
  stream.state.items = runs(4, 100);
  stream.tell('2', 'event: reset\ndata: {"reason":"too old"}');
  await until('the line', () => err() !== '');
  interrupt();
  expect(await code).toBe(130);
  expect(err()).toBe('more may have changed than is shown; next: fist get runs --limit 500\n');
});
