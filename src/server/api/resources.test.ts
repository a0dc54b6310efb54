import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveryFixture, runFixture } from '../../../test/support/deliveries.ts';
import { alertFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { defaultSinkLimits } from '../../core/catalog.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import { lowestIdAt, newId } from '../../lib/id.ts';

const now = '2026-01-01T00:00:00.000Z';
const declared = { type: 'Ready', status: 'True', reason: 'Valid', message: '' };

function resource(kind: ResourceRecord['kind'], namespace: string, name: string): ResourceRecord {
  return {
    apiVersion: 'punchingfist.io/v1alpha1',
    kind,
    namespace,
    name,
    spec: JSON.stringify({ type: 'webhook', of: name }),
    status: JSON.stringify({ ready: true, conditions: [declared] }),
    updatedAt: now,
  };
}

const run = runFixture({ id: lowestIdAt(2), status: 'failed', error: 'its error' });

let world: World;
beforeAll(async () => {
  world = await createWorld();
  const counted = { namespace: 'shop', at: now, runs: { minute: 0, runs: 0, cap: 0 } };
  await world.store.transaction('resources', async (tx) => {
    await tx.resources.replaceAll([
      resource('Source', 'shop', 'quiet'),
      resource('Source', 'shop', 'alertmanager'),
      resource('Source', 'default', 'b'),
      resource('Source', 'default', 'a'),
      resource('Workflow', 'shop', 'triage'),
      resource('Workflow', 'shop', 'idle'),
      resource('Sink', 'shop', 'out'),
      resource('Sink', 'shop', 'idle'),
    ]);
    await tx.runs.insertAll(
      [
        runFixture({ id: lowestIdAt(1), alertId: 'older' }),
        run,
        runFixture({ id: lowestIdAt(3), namespace: 'bank' }),
        runFixture({ id: lowestIdAt(4), name: 'other' }),
      ].map((run) => ({ run, plan: null })),
    );
    await tx.events.countActivity([
      { ...counted, source: 'alertmanager', events: 7, problem: 'TruncatedAlerts: left out: 2 alerts' },
    ]);
    await tx.alerts.insertAll(
      [1, 2, 3].map((n) =>
        alertFixture({
          namespace: 'shop',
          source: 'alertmanager',
          fingerprint: `f${n}`,
          mutedUntil: now,
          mutedReason: n === 3 ? 'Suspended' : 'StormGuard',
        }),
      ),
    );
  });
  for (const authorization of ['Bearer wrong', 'Bearer wrong', null])
    await world.server.inject({
      method: 'POST',
      url: '/webhook/alerts',
      headers: authorization === null ? {} : { authorization },
      payload: {},
    });
});
afterAll(() => world.close());

const shown = async (path: string) => (await world.get(`/api/v1/${path}`)).json();

describe('a Source', () => {
  it('has the shape of the Kubernetes API, with what was counted and what is wrong with it', async () => {
    const { status, ...rest } = await shown('sources/shop/alertmanager');
    expect(rest).toEqual({
      apiVersion: 'punchingfist.io/v1alpha1',
      kind: 'Source',
      metadata: { namespace: 'shop', name: 'alertmanager' },
      spec: { type: 'webhook', of: 'alertmanager' },
    });
    const { conditions, ...numbers } = status;
    expect(numbers).toEqual({ ready: true, eventsProcessed: 7, lastEventTime: now, refused: 3 });
    const waiting = '2 alerts wait for their run, because the Source has begun as many as stormCapPerMinute allows';
    expect(conditions).toEqual([
      declared,
      {
        type: 'Degraded',
        status: 'True',
        reason: 'TruncatedAlerts',
        message: 'left out: 2 alerts',
        lastTransitionTime: now,
      },
      { type: 'StormGuard', status: 'True', reason: 'StormGuard', message: waiting, lastTransitionTime: now },
      {
        type: 'Refusing',
        status: 'True',
        reason: 'Unauthenticated',
        message: '3 requests were refused in the last 5 minutes: Unauthenticated 3',
        lastTransitionTime: now,
      },
    ]);
  });

  it('of which nothing is known has nothing but what is declared', async () => {
    expect((await shown('sources/shop/quiet')).status).toEqual({
      ready: true,
      conditions: [declared],
      eventsProcessed: 0,
      lastEventTime: null,
      refused: 0,
    });
  });

  it('with a thousand waiting alerts says that there may be more', async () => {
    const own = await createWorld();
    await own.store.transaction('resources', async (tx) => {
      await tx.resources.replaceAll([resource('Source', 'shop', 'alertmanager')]);
      await tx.events.countActivity([
        {
          namespace: 'shop',
          source: 'alertmanager',
          events: 1,
          at: now,
          problem: null,
          runs: { minute: 0, runs: 0, cap: 0 },
        },
      ]);
      await tx.alerts.insertAll(
        [...Array(1000).keys()].map((n) =>
          alertFixture({
            namespace: 'shop',
            source: 'alertmanager',
            fingerprint: `f${n}`,
            labels: {},
            mutedUntil: now,
            mutedReason: 'StormGuard',
          }),
        ),
      );
    });
    const { conditions } = (await own.get('/api/v1/sources/shop/alertmanager')).json().status;
    expect(conditions).toMatchObject([
      declared,
      { type: 'StormGuard', message: expect.stringMatching(/^1000 or more alerts wait/) },
    ]);
    await own.close();
  });
});

describe('a Workflow', () => {
  it('shows its newest run, of its own namespace', async () => {
    const { id, status, createdAt, startedAt, completedAt, error } = run;
    expect((await shown('workflows/shop/triage')).status).toEqual({
      ready: true,
      conditions: [declared],
      lastRun: { id, status, createdAt, startedAt, completedAt, error },
    });
    expect((await shown('workflows/shop/idle')).status).toMatchObject({ lastRun: null });
  });
});

describe('a Sink', () => {
  it('shows what was sent, and its last error', async () => {
    const own = await createWorld();
    await own.store.transaction('resources', (tx) => tx.resources.replaceAll([resource('Sink', 'shop', 'out')]));
    const deliver = async (end: { status: 'sent' | 'failed'; error: string | null }) => {
      const id = newId();
      const delivery = deliveryFixture({ id, idempotencyKey: id, runId: null, alertId: null, wakeAt: now });
      await own.store.transaction('delivery-end', async (tx) => {
        await tx.deliveries.insert([delivery]);
        const claim = {
          owner: 'x',
          now,
          leaseUntil: '2026-01-02T00:00:00.000Z',
          limits: defaultSinkLimits,
          sends: true,
        };
        const taken = (await tx.deliveries.claim({ delivery, ...claim })) ?? delivery;
        await tx.deliveries.finish(taken, { ...end, sentAt: now, wakeAt: null }, now, defaultSinkLimits);
      });
      return (await own.get('/api/v1/sinks/shop/out')).json().status;
    };
    const idle = { ready: true, conditions: [declared], messagesSent: 0, lastSentTime: null, lastError: null };
    expect((await shown('sinks/shop/idle')).status).toEqual(idle);
    expect(await deliver({ status: 'failed', error: 'no route' })).toEqual({ ...idle, lastError: 'no route' });
    expect(await deliver({ status: 'sent', error: null })).toEqual({ ...idle, messagesSent: 1, lastSentTime: now });
    await own.close();
  });
});

describe('one of them', () => {
  it.each([
    ['sources/a', 'default', 'a'],
    ['sources/default/a', 'default', 'a'],
    ['sources/shop%2Fquiet', 'shop', 'quiet'],
  ])('GET /api/v1/%s is that of a namespace', async (path, namespace, name) => {
    expect((await shown(path)).metadata).toEqual({ namespace, name });
  });

  it.each([
    ['sources/quiet', 'there is no Source default/quiet', 'fist get sources'],
    ['sources/shop/a', 'there is no Source shop/a', 'fist get sources'],
    ['sources/shop/quiet/x', 'there is no such route', 'GET /openapi.json names all routes'],
    ['workflows/shop/out', 'there is no Workflow shop/out', 'fist get workflows'],
    ['sinks/shop/triage', 'there is no Sink shop/triage', 'fist get sinks'],
  ])('GET /api/v1/%s is 404', async (path, message, next) => {
    const response = await world.get(`/api/v1/${path}`);
    expect([response.statusCode, response.json()]).toEqual([404, { code: 'NotFound', message, next }]);
  });

  it('takes no parameter', async () => {
    const response = await world.get('/api/v1/sources/shop/quiet?namespace=shop');
    expect([response.statusCode, response.json().field]).toEqual([400, 'namespace']);
  });
});

describe('lists', () => {
  const all = ['default/a', 'default/b', 'shop/alertmanager', 'shop/quiet'];

  async function page(
    query: string,
  ): Promise<{ readonly names: readonly string[]; readonly nextCursor: string | null }> {
    const { items, nextCursor } = await shown(`sources?${query}`);
    const nameOf = ({ metadata }: { metadata: { namespace: string; name: string } }) =>
      `${metadata.namespace}/${metadata.name}`;
    return { names: items.map(nameOf), nextCursor };
  }

  it('are of one kind, by namespace and name', async () => {
    expect(await page('')).toEqual({ names: all, nextCursor: null });
    expect((await shown('sinks')).items.map(({ kind }: { kind: string }) => kind)).toEqual(['Sink', 'Sink']);
    expect((await shown('workflows')).items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'Workflow',
      'Workflow',
    ]);
  });

  it('are of one namespace where that is asked for', async () => {
    expect(await page('namespace=shop')).toEqual({ names: all.slice(2), nextCursor: null });
    expect(await page('namespace=none')).toEqual({ names: [], nextCursor: null });
  });

  it.each([1, 2, 3, 4])('go on where the page before ended, with %i to a page', async (limit) => {
    const pages: (readonly string[])[] = [];
    let query: string | null = `limit=${limit}`;
    while (query !== null) {
      const { names, nextCursor } = await page(query);
      pages.push(names);
      query = nextCursor === null ? null : `limit=${limit}&cursor=${nextCursor}`;
    }
    expect(pages.flat()).toEqual(all);
    expect(pages).toHaveLength(Math.ceil(all.length / limit));
  });

  it('go on after a place of which the resource is gone, and end behind the last', async () => {
    const cursor = (text: string) => `cursor=${Buffer.from(text).toString('base64url')}`;
    expect((await page(cursor('default/aa'))).names).toEqual(all.slice(1));
    expect((await page(cursor('e/a'))).names).toEqual(all.slice(2));
    expect(await page(cursor('shop/z'))).toEqual({ names: [], nextCursor: null });
    expect((await page(`${cursor('default/a')}&namespace=shop`)).names).toEqual(all.slice(2));
  });

  it.each(['shop', 'a/b/c'].map((text) => Buffer.from(text).toString('base64url')).concat('%00', 'c2hvcC9hCg=='))(
    'refuse the cursor %s',
    async (cursor) => {
      const response = await world.get(`/api/v1/sources?cursor=${cursor}`);
      expect([response.statusCode, response.json()]).toEqual([
        400,
        {
          code: 'InvalidInput',
          field: 'cursor',
          message: 'cursor is not one that this server gave',
          next: 'start again without cursor',
        },
      ]);
    },
  );

  it.each([
    ['limit=0', 'limit', 'limit is not a whole number from 1 to 500'],
    ['namespace=', 'namespace', 'namespace is empty'],
    ['since=1h', 'since', 'there is no query parameter "since" here'],
  ])('refuse %s', async (query, field, message) => {
    const response = await world.get(`/api/v1/workflows?${query}`);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field, message }]);
  });

  it.each(['sources', 'sources/a', 'workflows', 'sinks', 'sinks/shop/out'])('%s needs the token', async (path) => {
    expect((await world.server.inject(`/api/v1/${path}`)).statusCode).toBe(401);
  });
});
