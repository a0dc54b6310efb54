import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { changes, page, pod, startWatchServer, status } from '../../../test/support/watch-server.ts';
import type { WatchServer } from '../../../test/support/watch-server.ts';
import type { WatchQuery, WatchSignal } from '../../core/watch.ts';
import { watchObjects } from './watch.ts';

const cleanup = createCleanup();
let server: WatchServer;
let clock: FakeClock;
let told: string[];
let trouble: string[];

beforeEach(async () => {
  server = await startWatchServer(cleanup);
  clock = createFakeClock();
  told = [];
  trouble = [];
});
afterEach(() => cleanup.run());

function textOf(signal: WatchSignal): string {
  if (signal.kind === 'page') return `page ${signal.objects.map(({ metadata }) => metadata.name).join(' ')}`;
  if (signal.kind === 'changed') return `${signal.type} ${signal.object.metadata.name}`;
  return signal.kind;
}

/** Watches until the test ends; `random` 0 makes each pause half of its most. */
function begin(query: Partial<WatchQuery> = {}): void {
  const stopping = new AbortController();
  const io = {
    clock,
    random: () => 0,
    signal: stopping.signal,
    onTrouble: async (error: Error & { next?: string | undefined }) =>
      void trouble.push(error.message + (error.next === undefined ? '' : `; ${error.next}`)),
  };
  const running = (async () => {
    const watched = watchObjects(server.client, { resource: 'pods', namespace: 'shop', ...query }, io);
    for await (const signal of watched) told.push(textOf(signal));
  })();
  cleanup.defer(() => {
    stopping.abort();
    return running;
  });
}

/** Waits until so many requests have come. */
const asked = (count: number) => waitFor(`${count} requests`, () => server.asked.length >= count);
const hears = (count: number) => waitFor(`${count} signals`, () => told.length >= count);

/** Waits for the trouble, and for the pause that follows. */
async function troubled(count: number): Promise<void> {
  await waitFor(`${count} failures`, () => trouble.length >= count && clock.sleeping() > 0);
}

describe('a watch', () => {
  test('lists in pages, one at a time, then watches from there with bookmarks, and goes on where it was', async () => {
    server.answer(page([pod('a', '1')], '10', 'more'), page([pod('b', '2')], '10'));
    server.answer(
      changes(
        [
          ['ADDED', pod('c', '11')],
          ['MODIFIED', pod('a', '12')],
          ['BOOKMARK', pod('', '20')],
        ],
        'ends',
      ),
    );
    server.answer(changes([['DELETED', pod('a', '21')]]));
    begin({ labelSelector: 'app=web' });
    await hears(7);
    await troubleless();
    // It ended at once, so there is a pause first.
    await clock.advance(500);
    await hears(10);
    expect(told).toEqual('list,page a,page b,listed,watching,added c,modified a,alive,watching,deleted a'.split(','));
    expect(server.asked).toEqual([
      { path: '/api/v1/namespaces/shop/pods', query: { limit: '250', labelSelector: 'app=web' } },
      { path: '/api/v1/namespaces/shop/pods', query: { limit: '250', labelSelector: 'app=web', continue: 'more' } },
      {
        path: '/api/v1/namespaces/shop/pods',
        query: {
          watch: '1',
          allowWatchBookmarks: 'true',
          resourceVersion: '10',
          timeoutSeconds: '240',
          labelSelector: 'app=web',
        },
      },
      expect.objectContaining({ query: expect.objectContaining({ watch: '1', resourceVersion: '20' }) }),
    ]);
    expect(trouble).toEqual([]);
  });

  async function troubleless(): Promise<void> {
    await waitFor('the pause', () => clock.sleeping() > 0);
  }

  test.each([
    ['as an answer', status(410, 'too old')],
    ['within the watch', changes([['ERROR', { kind: 'Status', code: 410, message: 'too old' }]], 'ends')],
  ])('a position that is gone (%s) begins with a list again', async (_how, gone) => {
    server.answer(page([pod('a', '1')], '10'), gone, page([pod('b', '9')], '30'), changes([]));
    begin();
    await asked(2);
    await troubleless();
    await clock.advance(500);
    await asked(4);
    expect(server.asked[3]?.query['resourceVersion']).toBe('30');
    await hears(6);
    expect(told.filter((text) => text !== 'watching')).toEqual([
      'list',
      'page a',
      'listed',
      'list',
      'page b',
      'listed',
    ]);
    expect(trouble).toEqual([]);
  });

  test('a position that became too old while the server was away is listed anew at once, however long the pauses were', async () => {
    server.answer(page([pod('a', '1')], '10'));
    server.answer(...Array.from({ length: 6 }, () => status(503, 'away')));
    server.answer(status(410, 'too old'), page([pod('b', '9')], '30'), changes([]));
    begin();
    for (const [count, pauseMs] of [500, 1000, 2000, 4000, 8000, 15_000].entries()) {
      await troubled(count + 1);
      await troubleless();
      await clock.advance(pauseMs);
    }
    await asked(10);
    expect(server.asked.at(-1)?.query['resourceVersion']).toBe('30');
    expect(trouble).toHaveLength(6);
  });

  test('a server that is silent is asked anew, from where it was', async () => {
    server.answer(page([], '10'), changes([['ADDED', pod('a', '11')]]), changes([['ADDED', pod('b', '12')]]));
    begin();
    await hears(5);
    await clock.advance(149_000);
    expect(server.asked).toHaveLength(2);
    await clock.advance(2000);
    await hears(7);
    expect(server.asked[2]?.query['resourceVersion']).toBe('11');
    expect(trouble).toEqual([]);
  });

  test('a connection that breaks is trouble; half a line is none, and pauses grow until something comes', async () => {
    const breaks = () => changes([], 'breaks');
    server.answer(page([], '10'), changes([['ADDED', pod('a', '11')]], 'breaks'), breaks(), breaks());
    server.answer(changes([['ADDED', pod('b', '12')]], 'breaks'), changes([]));
    begin();
    for (const [count, pauseMs] of [500, 1000, 2000, 500].entries()) {
      await troubled(count + 1);
      await clock.advance(pauseMs - 1);
      expect(server.asked).toHaveLength(2 + count);
      await clock.advance(1);
      await asked(3 + count);
    }
    expect(server.asked.slice(2).map(({ query }) => query['resourceVersion'])).toEqual(['11', '11', '11', '12']);
    expect(told.filter((text) => text.startsWith('added'))).toEqual(['added a', 'added b']);
    expect(trouble[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+ broke off: .*; kubectl --context x get --raw \/readyz$/);
  });

  test('a watch that has lived for a while ends the row of failures, though it had nothing to tell', async () => {
    const open: ServerResponse[] = [];
    const stays = (response: ServerResponse): void => {
      response.flushHeaders();
      open.push(response);
    };
    server.answer(page([], '10'), changes([], 'breaks'), changes([], 'breaks'), stays, status(500), stays);
    begin();
    await troubled(1);
    await clock.advance(500);
    await troubled(2);
    await clock.advance(1000);
    await hears(5);
    await clock.advance(10_000);
    open[0]?.destroy();
    await troubled(3);
    await clock.advance(500);
    // What fails then is a row again.
    await troubled(4);
    await clock.advance(999);
    expect(server.asked).toHaveLength(5);
    await clock.advance(1);
    await asked(6);
  });

  test('errors of the server, and one that asks for time', async () => {
    server.answer(
      status(500, 'etcd is away'),
      status(429, 'too many', { 'retry-after': '7' }),
      page([], '10'),
      changes([]),
    );
    begin();
    await troubled(1);
    await clock.advance(500);
    await troubled(2);
    await clock.advance(6999);
    expect(server.asked).toHaveLength(2);
    await clock.advance(1);
    await hears(4);
    expect(trouble).toEqual([
      expect.stringContaining('answered 500 for pods: etcd is away; kubectl --context x get pods'),
      expect.stringContaining('answered 429 for pods: too many'),
    ]);
  });

  test('what is not allowed names the rule that is missing', async () => {
    server.answer(status(403, 'pods is forbidden'), status(403, 'pods is forbidden'));
    begin({ resource: 'certificates.v1.cert-manager.io', namespace: 'shop' });
    await troubled(1);
    expect(server.asked[0]?.path).toBe('/apis/cert-manager.io/v1/namespaces/shop/certificates');
    expect(trouble).toEqual([
      'pods is forbidden; allow it: a Role in namespace shop with the rule {apiGroups: ["cert-manager.io"], resources: ["certificates"], verbs: ["list", "watch"]}',
    ]);
  });

  test('a list whose snapshot goes while it is read begins again', async () => {
    server.answer(
      page([pod('a', '1')], '10', 'more'),
      status(410, 'expired'),
      page([pod('a', '1')], '30'),
      changes([]),
    );
    begin();
    await hears(6);
    expect(told).toEqual(['list', 'page a', 'list', 'page a', 'listed', 'watching']);
    expect(trouble).toEqual([]);
  });

  test('everything is listed again after a while, however quiet it is', async () => {
    server.answer(page([], '10'));
    for (let watches = 0; watches < 11; watches += 1) server.answer(changes([]));
    begin();
    for (let count = 2; (server.asked.at(-1)?.query['limit'] ?? '') === '' || count === 2; count += 1) {
      await asked(count);
      await hears(3 + count - 1);
      await clock.advance(151_000);
    }
    // 0.75 of 30 minutes, rounded up to the end of a watch.
    expect(clock.monotonic()).toBeLessThan(26 * 60_000);
    expect(clock.monotonic()).toBeGreaterThan(22 * 60_000);
  });

  test('a page that stops before its end is trouble, not a list', async () => {
    server.answer((response) => void response.write('{"items":['), page([], '10'), changes([]));
    begin();
    await asked(1);
    await waitFor('the read', () => clock.sleeping() > 0);
    await clock.advance(30_000);
    await troubled(1);
    expect(trouble[0]).toContain('stopped for 30 s before its end');
    await clock.advance(500);
    await hears(5);
    expect(told).toEqual(['list', 'list', 'page ', 'listed', 'watching']);
  });

  test('no page is asked for before the one before was taken, and each object is as large as it is', async () => {
    const objects = (from: number) => Array.from({ length: 250 }, (_, place) => pod(`p${from + place}`, '1'));
    for (let from = 0; from < 10_000; from += 250)
      server.answer(page(objects(from), '10', from + 250 < 10_000 ? String(from) : ''));
    const stopping = new AbortController();
    const io = { clock, random: () => 0, signal: stopping.signal, onTrouble: async () => undefined };
    let objectsSeen = 0;
    let pages = 0;
    for await (const signal of watchObjects(server.client, { resource: 'pods', namespace: null }, io)) {
      if (signal.kind === 'listed') break;
      if (signal.kind !== 'page') continue;
      pages += 1;
      objectsSeen += signal.objects.length;
      expect(server.asked).toHaveLength(pages);
    }
    stopping.abort();
    expect(objectsSeen).toBe(10_000);
  });
});
