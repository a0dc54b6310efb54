import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { deliveryFixture, runFixture } from '../../../test/support/deliveries.ts';
import { alertFixture, eventFixture, letterFixture } from '../../../test/support/rows.ts';
import { shortId } from '../../lib/short-id.ts';
import { idOf as idOfReference } from './references.ts';

const about = (pod: string) => ({ alertname: 'Crash', namespace: 'shop', pod });
const one = alertFixture({
  id: '019b71b4-4c64-7000-8000-0123456789ab',
  fingerprint: 'f1',
  name: 'Crash',
  labels: about('web-1'),
  receivedAt: '2026-03-01T12:00:00.000Z',
});
const two = alertFixture({
  id: '019b71b4-4c65-7000-8000-0123476789ab',
  fingerprint: 'f2',
  name: 'Crash',
  labels: about('web-2'),
  receivedAt: '2026-03-01T13:00:00.000Z',
});
const closed = alertFixture({ fingerprint: 'f3', name: 'Closed', status: 'resolved' });
const run = runFixture({ id: '019b71b5-0000-7000-8000-aaaaaaaaaaaa', alertId: one.id, status: 'running' });
const delivery = deliveryFixture({ id: '019b71b5-0000-7000-8000-bbbbbbbbbbbb', runId: run.id, alertId: one.id });
const event = eventFixture();
const letter = letterFixture('m');

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll([one, two, closed]);
    await tx.runs.insertAll([{ run, plan: null }]);
    await tx.deliveries.insert([delivery]);
    await tx.events.insertAll([event]);
    await tx.events.addDeadLetters([letter]);
  });
});
afterAll(() => world.close());

const idOf = async (path: string): Promise<unknown> => (await world.get(`/api/v1/${path}`)).json().id;

describe('a path takes, in place of an id,', () => {
  it.each([
    ['alerts/019b71b4-4c64', one.id],
    ['alerts/71b4012345', one.id],
    ['alerts/71B4012347', two.id],
    ['alerts/Crash', two.id],
    ['alerts/Closed', closed.id],
    ['alerts/%40latest', two.id],
    ['runs/71b5', run.id],
    ['runs/@latest', run.id],
    [`deliveries/${shortId(delivery.id)}`, delivery.id],
    ['deliveries/@latest', delivery.id],
    [`events/${shortId(event.id)}`, event.id],
    ['events/@latest', event.id],
    [`dead-letters/${letter.id.slice(0, 20)}`, letter.id],
    ['dead-letters/@latest', letter.id],
  ])('%s', async (path, id) => {
    expect(await idOf(path)).toBe(id);
  });

  it('what names several is refused with their names', async () => {
    const answer = await world.get('/api/v1/alerts/71b40123');
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      {
        code: 'InvalidInput',
        message:
          'alert 71b40123 is not one but several: 71b4012347 Crash pod/shop/web-2, 71b4012345 Crash pod/shop/web-1',
        next: 'more characters of the one that is meant',
      },
    ]);
  });

  it.each([
    ['alerts/absent', 'there is no alert absent', 'fist get alerts --all'],
    ['alerts/71c4', 'there is no alert 71c4', 'fist get alerts --all'],
    ['runs/Crash', 'there is no run Crash', 'fist get runs'],
    ['events/71', 'there is no event 71', 'fist get events'],
  ])('%s is not there', async (path, message, next) => {
    const answer = await world.get(`/api/v1/${path}`);
    expect([answer.statusCode, answer.json()]).toEqual([404, { code: 'NotFound', message, next }]);
  });

  it('filters and actions take them too', async () => {
    expect((await world.get('/api/v1/runs?alert=absent')).json().items).toEqual([]);
    expect((await world.get('/api/v1/runs?alert=71b4012345')).json().items).toMatchObject([{ id: run.id }]);
    expect((await world.get('/api/v1/deliveries?run=71b5aaaa')).json().items).toMatchObject([{ id: delivery.id }]);
    expect((await world.post('/api/v1/runs/71b5aaaa/cancel', {})).json()).toMatchObject({ id: run.id });
    expect((await world.post('/api/v1/deliveries/71b5bbbb/cancel', {})).json()).toMatchObject({ id: delivery.id });
  });
});

it('a name that many alerts have is the open one, however many others changed later', async () => {
  const open = alertFixture({ fingerprint: 'open', name: 'Crash', receivedAt: '2026-03-01T10:00:00.000Z' });
  const resolved = Array.from({ length: 1005 }, (_, n) =>
    alertFixture({ fingerprint: `r${n}`, name: 'Crash', status: 'resolved', receivedAt: '2026-03-01T11:00:00.000Z' }),
  );
  const others = Array.from({ length: 600 }, (_, n) => alertFixture({ fingerprint: `o${n}`, name: 'Other' }));
  const many = await createWorld();
  await many.store.transaction('intake', (tx) => tx.alerts.insertAll([open, ...resolved, ...others]));
  expect((await many.get('/api/v1/alerts/Crash')).json().id).toBe(open.id);
  await many.close();
});

it('where too many were looked at, it says that', async () => {
  const { lists, ...rest } = world.store.read;
  const endless = { ...lists, alerts: async () => ({ items: [], nextCursor: 'more' }) };
  await expect(idOfReference({ ...rest, lists: endless }, 'alert', 'Crash')).rejects.toThrow(
    'more than 50000 alerts were looked at, and none of these has the name Crash',
  );
});
