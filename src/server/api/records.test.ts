import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveryFixture } from '../../../test/support/deliveries.ts';
import { eventFixture, letterFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import { lowestIdAt, newId } from '../../lib/id.ts';

const now = '2026-01-01T00:00:00.000Z';
/** An id of one of the hours before the server's midnight. */
const idAt = (hour: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + hour * 3_600_000);

const sent = deliveryFixture({
  id: idAt(20),
  idempotencyKey: 'sent',
  status: 'sent',
  wakeAt: null,
  payload: { text: 'x' },
  leaseOwner: 'host/1',
});
const skipped = deliveryFixture({
  id: idAt(21),
  idempotencyKey: 'skipped',
  status: 'skipped',
  wakeAt: null,
  runId: null,
});
const elsewhere = deliveryFixture({ id: idAt(22), idempotencyKey: 'elsewhere', namespace: 'bank', sinkName: 'pager' });
const events = [
  eventFixture({ id: idAt(20), eventData: '{"alerts":[1]}' }),
  eventFixture({ id: idAt(21), namespace: 'bank' }),
  eventFixture({ id: idAt(22), sourceName: 'other' }),
];
const letters = [
  { ...letterFixture('one'), id: idAt(20) },
  { ...letterFixture('two'), id: idAt(21), namespace: 'bank', reason: 'BadBody' },
  { ...letterFixture('three'), id: idAt(22), sourceName: 'other' },
];

async function createSeeded(): Promise<World> {
  const world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.deliveries.insert([sent, skipped, elsewhere]);
    await tx.events.insertAll(events);
    await tx.events.addDeadLetters(letters);
  });
  return world;
}

/** Nothing is written to it. */
let world: World;
/** What people ask for is written to it. */
let changed: World;
beforeAll(async () => {
  [world, changed] = await Promise.all([createSeeded(), createSeeded()]);
});
afterAll(() => Promise.all([world.close(), changed.close()]));

/** The hours of what a list shows. */
async function hours(url: string): Promise<readonly number[]> {
  const { items } = (await world.get(url)).json();
  return items.map(({ id }: { id: string }) => [20, 21, 22].find((hour) => idAt(hour) === id));
}

describe('lists', () => {
  it.each([
    ['deliveries', [22, 21, 20]],
    ['deliveries?status=sent', [20]],
    ['deliveries?run=r1', [22, 20]],
    ['deliveries?sink=pager', [22]],
    ['deliveries?namespace=shop', [21, 20]],
    ['deliveries?namespace=shop&run=r1', [20]],
    ['events', [22, 21, 20]],
    ['events?source=other', [22]],
    ['events?namespace=default', [22, 20]],
    ['dead-letters', [22, 21, 20]],
    ['dead-letters?source=am', [21, 20]],
    ['dead-letters?namespace=bank', [21]],
    ['dead-letters?reason=BadBody', [21]],
    ['dead-letters?reason=BadItem&source=am', [20]],
  ])('%s has what was asked for, newest first', async (list, shown) => {
    expect(await hours(`/api/v1/${list}`)).toEqual(shown);
  });

  it.each(['deliveries', 'events', 'dead-letters'])('%s go by time, and page by page', async (list) => {
    const url = `/api/v1/${list}`;
    expect(await hours(`${url}?since=2h30m`)).toEqual([22]);
    expect(await hours(`${url}?until=2025-12-31T22:00:00Z`)).toEqual([21, 20]);
    const { nextCursor } = (await world.get(`${url}?limit=2`)).json();
    expect(await hours(`${url}?limit=2`)).toEqual([22, 21]);
    expect(await hours(`${url}?limit=2&cursor=${nextCursor}`)).toEqual([20]);
  });

  it('leave out what may be large, and what only workers need', async () => {
    const [delivery] = (await world.get('/api/v1/deliveries?status=sent')).json().items;
    for (const field of ['data', 'payload', 'rendered', 'fence', 'leaseOwner', 'leaseUntil', 'sortKey'])
      expect(delivery).not.toHaveProperty(field);
    expect((await world.get('/api/v1/events')).json().items[0]).not.toHaveProperty('eventData');
    expect((await world.get('/api/v1/dead-letters')).json().items[0]).not.toHaveProperty('body');
  });

  it.each([
    ['deliveries?status=lost', 'status', 'status is not one of pending, sent, failed, skipped'],
    ['deliveries?source=am', 'source', 'there is no query parameter "source" here'],
    ['deliveries?limit=x', 'limit', 'limit is not a whole number from 1 to 500'],
    ['deliveries/retry', undefined, 'there is no delivery retry'],
    ['events?reason=BadItem', 'reason', 'there is no query parameter "reason" here'],
    ['events?source=', 'source', 'source is empty'],
    ['dead-letters?status=x', 'status', 'there is no query parameter "status" here'],
    ['dead-letters?since=x', 'since', 'since is neither a time nor a duration before now'],
  ])('%s is refused', async (list, field, message) => {
    const response = await world.get(`/api/v1/${list}`);
    expect(response.statusCode).toBe(field === undefined ? 404 : 400);
    expect(response.json()).toMatchObject({ message, ...(field === undefined ? {} : { field }) });
  });
});

describe('one of a list', () => {
  it('is shown whole', async () => {
    const {
      fence: _fence,
      leaseOwner: _owner,
      leaseUntil: _until,
      sortKey: _key,
      rendered: _rendered,
      ...shown
    } = sent;
    expect((await world.get(`/api/v1/deliveries/${sent.id}`)).json()).toEqual(shown);
    expect((await world.get(`/api/v1/events/${events[0]?.id}`)).json()).toEqual(events[0]);
    expect((await world.get(`/api/v1/dead-letters/${letters[0]?.id}`)).json()).toEqual(letters[0]);
  });

  it.each([
    ['deliveries', 'there is no delivery absent', 'fist get deliveries'],
    ['events', 'there is no event absent', 'fist get events'],
    ['dead-letters', 'there is no dead letter absent', 'fist get dead-letters'],
  ])('%s: absent, with a parameter, without the token', async (list, message, next) => {
    const absent = await world.get(`/api/v1/${list}/absent`);
    expect([absent.statusCode, absent.json()]).toEqual([404, { code: 'NotFound', message, next }]);
    const parameter = await world.get(`/api/v1/${list}/${idAt(20)}?full=1`);
    expect([parameter.statusCode, parameter.json()]).toMatchObject([400, { field: 'full' }]);
    expect((await world.server.inject(`/api/v1/${list}/${idAt(20)}`)).statusCode).toBe(401);
    expect((await world.server.inject(`/api/v1/${list}`)).statusCode).toBe(401);
  });
});

describe('what people ask of deliveries', () => {
  async function inserted(changes: Partial<DeliveryRecord>): Promise<DeliveryRecord> {
    const id = newId();
    const delivery = deliveryFixture({ runId: null, alertId: null, ...changes, id, idempotencyKey: id });
    await changed.store.transaction('intake', (tx) => tx.deliveries.insert([delivery]));
    return delivery;
  }
  const stored = (id: string) => changed.store.read.deliveries.find(id);
  const failed = { status: 'failed', attempts: 3, error: 'gave up', wakeAt: null, leaseOwner: 'host/1' } as const;

  it('sends a failed one again, and shows it', async () => {
    const { id } = await inserted(failed);
    const response = await changed.post(`/api/v1/deliveries/${id}/retry`, {});
    expect([response.statusCode, response.json()]).toMatchObject([200, { id, status: 'pending', retriedAt: now }]);
    expect(response.json()).not.toHaveProperty('leaseOwner');
    expect(await stored(id)).toMatchObject({ status: 'pending', attempts: 0 });
  });

  it('calls a pending one off, with the reason of who did', async () => {
    for (const [body, error] of [
      [undefined, 'cancelled by a person'],
      [{ reason: 'a test' }, 'a test'],
    ] as const) {
      const { id } = await inserted({});
      const response = await changed.post(`/api/v1/deliveries/${id}/cancel`, body);
      expect([response.statusCode, response.json()]).toMatchObject([200, { id, status: 'skipped', error }]);
      expect(response.json()).not.toHaveProperty('fence');
    }
  });

  it('sends the failed ones of one Sink again together, of the namespace default where none is named', async () => {
    const shop = await inserted({ ...failed, sinkName: 'mail' });
    const unnamed = await inserted({ ...failed, sinkName: 'mail', namespace: 'default' });
    const other = await inserted({ ...failed, sinkName: 'chat' });
    const first = await changed.post('/api/v1/deliveries/retry', { sink: 'mail', status: 'failed' });
    expect([first.statusCode, first.json()]).toEqual([200, { retried: 1 }]);
    expect([await stored(unnamed.id), await stored(shop.id)]).toMatchObject([
      { status: 'pending' },
      { status: 'failed' },
    ]);
    const second = await changed.post('/api/v1/deliveries/retry', { sink: 'mail', namespace: 'shop' });
    expect(second.json()).toEqual({ retried: 1 });
    expect([await stored(shop.id), await stored(other.id)]).toMatchObject([
      { status: 'pending' },
      { status: 'failed' },
    ]);
    expect((await changed.post('/api/v1/deliveries/retry', { sink: 'absent' })).statusCode).toBe(404);
  });

  it.each<[string, unknown, string]>([
    ['/retry', undefined, 'sink'],
    ['/retry', {}, 'sink'],
    ['/retry', { sink: '' }, 'sink'],
    ['/retry', { sink: 'x'.repeat(254) }, 'sink'],
    ['/retry', { sink: 'out', namespace: '' }, 'namespace'],
    ['/retry', { sink: 'out', status: 'sent' }, 'status'],
    ['/retry', { sink: 'out', since: '1h' }, 'since'],
    ['/retry?sink=out', { sink: 'out' }, 'sink'],
    [`/${elsewhere.id}/retry`, { x: 1 }, 'x'],
    [`/${elsewhere.id}/retry?x=1`, {}, 'x'],
    [`/${elsewhere.id}/cancel`, { reason: '' }, 'reason'],
    [`/${elsewhere.id}/cancel`, { x: 1 }, 'x'],
    [`/${elsewhere.id}/cancel?reason=x`, {}, 'reason'],
  ])('POST %s %j is refused and changes nothing', async (path, body, field) => {
    const response = await changed.post(`/api/v1/deliveries${path}`, body);
    expect([response.statusCode, response.json().code, response.json().field]).toEqual([400, 'InvalidInput', field]);
    expect(await stored(elsewhere.id)).toEqual(elsewhere);
  });

  it.each(['retry', 'cancel'])('%s of one that was sent is 409, of an absent one 404', async (action) => {
    expect((await changed.post(`/api/v1/deliveries/${sent.id}/${action}`)).statusCode).toBe(409);
    expect((await changed.post(`/api/v1/deliveries/absent/${action}`)).statusCode).toBe(404);
  });

  it.each(['/retry', `/${sent.id}/retry`, `/${sent.id}/cancel`])('POST %s needs the token', async (path) => {
    const response = await changed.server.inject({ method: 'POST', url: `/api/v1/deliveries${path}` });
    expect(response.statusCode).toBe(401);
  });
});
