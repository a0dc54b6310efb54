import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { get } from './get.ts';
import type { Terminal } from './output.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface Page {
  readonly items: readonly object[];
  readonly nextCursor: string | null;
}

/** A server that answers one page after the other, and the last one again and again. */
async function startLists(pages: readonly Page[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(pages[Math.min(asked.length, pages.length) - 1]));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => new Promise((done) => server.close(done)));
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    colour: false,
    env: {},
  };
  const flags = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    output: 'name',
    limit: '3',
    headers: true,
    token: 't',
  };
  return {
    asked,
    out,
    err,
    server: flags.server,
    run: (more: object, noun: string) => get(terminal, { ...flags, ...more }, noun),
  };
}

const letter = (id: string) => ({ id });

test('flags are the parameters of the API', async () => {
  const lists = await startLists([{ items: [], nextCursor: null }]);
  await lists.run({ since: '1h', search: 'oom killed', label: ['team=shop', 'a=b'], status: 'received' }, 'alerts');
  await lists.run({ alert: 'alert/0199', workflow: 'triage', error: 'Timeout', namespace: 'shop' }, 'runs');
  await lists.run({ all: true, fistNamespace: 'bank' }, 'alerts');
  await lists.run({ label: ['severity!=info'] }, 'alerts');
  await lists.run({ run: 'run/0199', sink: 'out', until: '2026-01-01T00:00:00Z' }, 'delivery');
  await lists.run({ source: 'am', reason: 'BadItem' }, 'dead-letters');
  const queries = lists.asked.map((path) => [...new URL(path, 'http://x').searchParams].map((pair) => pair.join('=')));
  expect(queries).toEqual([
    ['since=1h', 'search=oom killed', 'status=received', 'label=team=shop', 'label=a=b', 'limit=3'],
    ['workflow=triage', 'alert=0199', 'error=Timeout', 'namespace=shop', 'limit=3'],
    ['fistNamespace=bank', 'limit=3'],
    ['label=severity!=info', 'status=open', 'limit=3'],
    ['until=2026-01-01T00:00:00Z', 'run=0199', 'sink=out', 'limit=3'],
    ['source=am', 'reason=BadItem', 'limit=3'],
  ]);
});

test('a page that ends early is followed by the next, until there are enough', async () => {
  const lists = await startLists([
    { items: [letter('9')], nextCursor: 'a' },
    { items: [], nextCursor: 'b' },
    { items: [letter('8'), letter('7')], nextCursor: 'c' },
    { items: [letter('6')], nextCursor: null },
  ]);
  await lists.run({}, 'dead-letters');
  expect(lists.asked.map((path) => path.split('?')[1])).toEqual(['limit=3', 'limit=2&cursor=a', 'limit=2&cursor=b']);
  expect(lists.out.join('')).toBe('dead-letter/9\ndead-letter/8\ndead-letter/7\n');
  expect(lists.err.join('')).toBe(
    `there are more; next: fist get dead-letters -o name --limit 3 --server ${lists.server} --continue c\n`,
  );
});

test('after many pages in vain the person is told, and what was found is shown', async () => {
  const lists = await startLists([
    { items: [letter('9')], nextCursor: 'a' },
    { items: [], nextCursor: 'b' },
  ]);
  await lists.run({}, 'dead-letters');
  expect(lists.asked).toHaveLength(40);
  expect(lists.out.join('')).toBe('dead-letter/9\n');
  expect(lists.err.join('')).toContain(
    'older ones were not looked at; next: narrow it down with --since or --until, or fist get dead-letters -o name',
  );
});

test('Sources say how many requests they refused lately', async () => {
  const source = (name: string, refused: number) => ({
    metadata: { namespace: 'shop', name },
    spec: { type: 'webhook', config: { path: name } },
    status: {
      ready: true,
      conditions: [{ type: 'Ready', reason: 'Accepted', message: '' }],
      eventsProcessed: 7,
      refused,
    },
  });
  const lists = await startLists([{ items: [source('a', 0), source('b', 12)], nextCursor: null }]);
  await lists.run({ output: 'table' }, 'sources');
  expect(lists.out.join('').replace(/ +/g, ' ').split('\n').slice(0, 3)).toEqual([
    'NAME TYPE PATH READY REASON COUNT REFUSED',
    'a webhook a True Accepted 7 0',
    'b webhook b True Accepted 7 12',
  ]);
});

const counted = (parameter: string, value: string, count: number) => ({ parameter, value, count, more: count > 99 });

test.each([
  [
    { stored: { count: 0, more: false }, without: [] },
    'no alert has come in yet; next: fist send alert --name TestAlert',
  ],
  [
    { stored: { count: 0, more: false }, within: 'shop', without: [] },
    'no alert has come in yet to a Source in namespace shop; you may look in no other; next: fist get sources -n shop',
  ],
  [
    { stored: { count: 34, more: false }, without: [counted('status', 'open', 34)] },
    'no open alerts; 34 with any status; next: fist get alerts --all',
  ],
  [
    {
      stored: { count: 100, more: true },
      without: [
        counted('status', 'open', 2),
        counted('namespace', 'shp', 12),
        counted('label', 'team!="x"', 0),
        counted('fistNamespace', 'b', 100),
      ],
    },
    [
      'no alerts match; of 100 or more in all,',
      '  without the limit to open ones (--all): 2',
      '  without -n shp: 12',
      `  without -l 'team!="x"': 0`,
      '  without --fist-namespace b: 100 or more',
      'next: fist get alerts --all -A',
    ].join('\n'),
  ],
])('an empty list of alerts says why', async (empty, text) => {
  const lists = await startLists([{ items: [], nextCursor: null, empty }] as never);
  await lists.run({ output: 'table' }, 'alerts');
  expect(lists.err).toEqual([`${text}\n`]);
});

test('--sort-by that leads to nothing in any row is an error, one that does in some is not', async () => {
  const lists = await startLists([{ items: [{ id: 'b', team: 'x' }, { id: 'a' }], nextCursor: null }]);
  await expect(lists.run({ sortBy: 'nope' }, 'dead-letters')).rejects.toMatchObject({
    code: 'InvalidInput',
    field: '--sort-by',
    message: '--sort-by nope leads to nothing in any row',
    next: expect.stringContaining('-o json') as string,
  });
  expect(lists.out).toEqual([]);
  expect(await lists.run({ sortBy: '.team' }, 'dead-letters')).toBe(0);
  expect(lists.out.join('')).toBe('dead-letter/a\ndead-letter/b\n');
  const none = await startLists([{ items: [], nextCursor: null }]);
  expect(await none.run({ sortBy: 'nope' }, 'dead-letters')).toBe(0);
});

test.each([
  [{ status: 'failed' }, 'runs', 'no runs match --status failed; next: fist get runs'],
  [
    { namespace: 'shop', workflow: "o'clock", since: '1h' },
    'runs',
    `no runs match --since 1h --workflow 'o'\\''clock' -n shop; next: fist get runs -A`,
  ],
  [{ sink: 'chat' }, 'deliveries', 'no deliveries match --sink chat; next: fist get deliveries'],
  [{ continue: 'c' }, 'events', 'no events match --continue c; next: fist get events'],
  [{}, 'runs', 'no runs; a run starts when an alert comes in'],
  [{ namespace: 'shop', allNamespaces: true }, 'runs', 'no runs; a run starts when an alert comes in'],
])('an empty list with %j of %s says what is so', async (flags, noun, text) => {
  const lists = await startLists([{ items: [], nextCursor: null }]);
  await lists.run({ output: 'table', ...flags }, noun);
  expect(lists.err).toEqual([`${text}\n`]);
});

test('the next page is the command as it was given, without its token', async () => {
  const lists = await startLists([{ items: [letter('9')], nextCursor: 'c' }]);
  const flags = {
    all: true,
    label: ['team!=a', 'b=c'],
    namespace: 'shop',
    headers: false,
    limit: '1',
    output: 'jsonl',
  };
  await lists.run({ ...flags, token: 'secret' }, 'al');
  expect(lists.err).toEqual([
    `there are more; next: fist get alerts --all -l 'team!=a' -l b=c -n shop -o jsonl --no-headers --limit 1 --server ${lists.server} --continue c\n`,
  ]);
});

const alert = {
  name: 'Crash',
  severity: 'critical',
  status: 'escalated',
  object: 'pod/shop/checkout-5577bf7884-59zsl',
  cause: 'Pod checkout-5577bf7884-59zsl: Container checkout was OOMKilled.',
  causeState: 'known',
  mutedReason: null,
  since: '2026-01-01T00:00:00Z',
  id: '019b71b4-4c64-7000-8000-0123456789ab',
};

test('a cause does not say its object again in a table; how many were investigated stands beneath it', async () => {
  const other = { ...alert, status: 'received', object: 'pod/shop/web-1' };
  const lists = await startLists([{ items: [alert, other] as never, nextCursor: null }]);
  await lists.run({ output: 'table' }, 'alerts');
  const [, first, second] = lists.out.join('').split('\n');
  expect(first).toMatch(/59zsl +\S+ +Container checkout was OOMKilled\. /);
  expect(second).toContain('  Pod checkout-5577bf7884-59zsl: Container');
  expect(lists.err).toEqual(['1 of 2 investigated, still firing (escalated)\n']);
  lists.out.length = 0;
  await lists.run({ output: 'json' }, 'alerts');
  expect(lists.out.join('')).toContain(alert.cause);
});
