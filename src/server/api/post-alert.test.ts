import { afterEach, describe, expect, it } from 'vitest';
import { fakeSource } from '../../../test/support/fake-server.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import type { CatalogSource } from '../../core/catalog.ts';
import type { Labels } from '../../core/alert.ts';
import { sourceDefinitions } from '../../sources/index.ts';
import type { ServerOptions } from '../options.ts';

const open: World[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});

/** A server with these Sources, of the types that there are. */
async function start(sources: readonly CatalogSource[], changes: Partial<ServerOptions> = {}): Promise<World> {
  const world = await createWorld({ sourceTypes: sourceDefinitions, ...changes }, sources);
  open.push(world);
  return world;
}

const body = { alert_name: 'Down', severity: 'critical', labels: { pod: 'p1' } };
const refusing = () => ({ reason: 'FilterMismatch', message: 'label team is not shop' });

async function post(world: World, more: Readonly<Record<string, unknown>> = {}, headers: Record<string, string> = {}) {
  const response = await world.post('/alerts', { ...body, ...more }, headers);
  return { status: response.statusCode, ...response.json<{ id: string; message: string }>() };
}

async function alertsOf(world: World) {
  return (await world.store.read.lists.alerts({ limit: 10 })).items.map(({ id, namespace, source }) => ({
    id,
    from: `${namespace}/${source}`,
  }));
}

it('counts for the rate limit of the Source that takes it', async () => {
  const world = await start([fakeSource({ rateLimit: { requestsPerMinute: 1, burst: 1 } })]);
  expect((await post(world)).status).toBe(201);
  const response = await world.post('/alerts', body);
  expect(response.statusCode).toBe(503);
  expect(response.json()).toMatchObject({ code: 'RateLimited' });
  expect(Number(response.headers['retry-after'])).toBeGreaterThan(50);
});

describe('the Source of an alert that names none', () => {
  it('is the first that accepts, by namespace and name', async () => {
    const world = await start([
      fakeSource({ namespace: 'shop', name: 'b' }),
      fakeSource({ namespace: 'shop', name: 'a' }),
      fakeSource({ namespace: 'bank', name: 'z', accepts: refusing }),
    ]);
    const { id, message } = await post(world);
    expect(message).toBe('Alert created under Source shop/a; Workflow triage was triggered');
    expect(await alertsOf(world)).toEqual([{ id, from: 'shop/a' }]);
  });

  it('is one whose type takes alerts', async () => {
    const world = await start([
      fakeSource({ name: 'a', type: 'kubernetes' }),
      fakeSource({ name: 'b', type: 'schedule' }),
      fakeSource({ name: 'bb', type: 'api', settings: { check: null, polling: {} } }),
      fakeSource({ name: 'c', type: 'api' }),
    ]);
    expect((await post(world)).message).toContain('under Source shop/c');
  });

  it('is asked about the labels with the name and the severity', async () => {
    const asked: Labels[] = [];
    const world = await start([fakeSource({ accepts: (labels) => (asked.push(labels), null) })]);
    await post(world);
    expect(asked[0]).toEqual({ alertname: 'Down', severity: 'critical', pod: 'p1' });
  });

  it.each([
    ['refuses it', [fakeSource({ accepts: refusing })]],
    ['is there', []],
  ])('is none where none %s: it is kept, and nothing triggered', async (_, sources) => {
    const world = await start(sources);
    const { id, status, message } = await post(world);
    expect([status, message]).toEqual([201, 'Alert created; no Source accepts it, so nothing was triggered']);
    expect(await alertsOf(world)).toEqual([{ id, from: 'default/api' }]);
    expect((await world.store.read.lists.runs({ limit: 10 })).items).toEqual([]);
  });
});

describe('the Source that an alert names', () => {
  const sources = [
    fakeSource({ namespace: 'default', name: 'plain' }),
    fakeSource({ namespace: 'shop', name: 'plain' }),
    fakeSource({ namespace: 'shop', name: 'picky', accepts: refusing }),
    fakeSource({ namespace: 'shop', name: 'asks', type: 'api', settings: { check: null, polling: {} } }),
  ];

  it.each([
    ['shop/plain', 'shop/plain'],
    ['plain', 'default/plain'],
  ])('%s is %s', async (source, from) => {
    const world = await start(sources);
    const { id } = await post(world, { source });
    expect(await alertsOf(world)).toEqual([{ id, from }]);
  });

  it('may be null, as where it is left out', async () => {
    const world = await start(sources);
    await post(world, { source: null });
    expect(await alertsOf(world)).toMatchObject([{ from: 'default/plain' }]);
  });

  it.each([
    [
      404,
      'picky',
      { code: 'NotFound', field: 'source', message: 'there is no Source default/picky', next: 'fist get sources' },
    ],
    [
      404,
      'shop/a/b',
      { code: 'NotFound', field: 'source', message: 'there is no Source shop/a/b', next: 'fist get sources' },
    ],
    [
      400,
      'shop/picky',
      {
        code: 'InvalidInput',
        field: 'labels',
        message: 'Source shop/picky refuses this alert: label team is not shop',
        next: 'change the labels, or leave source out',
      },
    ],
    [
      400,
      'shop/asks',
      {
        code: 'InvalidInput',
        field: 'source',
        message: 'Source shop/asks takes only what the endpoint answers that it asks',
        next: 'name another one, or leave source out',
      },
    ],
    [400, '', { code: 'InvalidInput', field: 'source', message: 'source must be text, namespace/name' }],
    [400, 7, { code: 'InvalidInput', field: 'source', message: 'source must be text, namespace/name' }],
  ])('is answered %i where it is %j, and nothing is kept', async (status, source, answer) => {
    const world = await start(sources);
    expect(await post(world, { source })).toEqual({ status, ...answer });
    expect(await alertsOf(world)).toEqual([]);
    expect((await world.store.read.lists.events({ limit: 10 })).items).toEqual([]);
  });
});

describe('what is not taken', () => {
  it.each([
    ['alert_name', { alert_name: '' }, 'alert_name is required, as text'],
    ['severity', { severity: 'page' }, 'severity is required, one of critical, warning, info'],
    ['starts_at', { starts_at: 'soon' }, 'starts_at must be an RFC 3339 time'],
  ])('a wrong %s is answered 400 that names it', async (field, more, message) => {
    const world = await start([fakeSource()]);
    expect(await post(world, more)).toEqual({ status: 400, code: 'InvalidInput', field, message });
    expect(await alertsOf(world)).toEqual([]);
  });

  it('what is no object is answered 400 that names no field', async () => {
    const world = await start([fakeSource()]);
    const response = await world.post('/alerts', []);
    expect(response.statusCode).toBe(400);
    expect(response.json()).not.toHaveProperty('field');
  });

  it('for a Source that vanished just now is answered 503, so that it is sent again', async () => {
    const world = await start([fakeSource({ leaving: true })]);
    const message = 'Source shop/alertmanager vanished from the resources just now';
    expect(await post(world)).toEqual({ status: 503, code: 'StoreUnavailable', message, next: 'send it again' });
    expect(await alertsOf(world)).toEqual([]);
  });

  it('before the Sources are read is answered 503', async () => {
    const world = await start([], { catalog: { current: () => null } });
    const message = 'the server has not read its Sources yet';
    expect(await post(world)).toEqual({ status: 503, code: 'Draining', message, next: 'send it again' });
  });

  it('again under an Idempotency-Key whose alert is gone is answered 409', async () => {
    const world = await start([fakeSource()]);
    const headers = { 'idempotency-key': 'k' };
    const first = await post(world, { status: 'resolved' }, headers);
    expect(first.status).toBe(201);
    expect(await post(world, { status: 'resolved' }, headers)).toEqual(first);
    const all = { after: '', before: 'z', endedBefore: '9999-01-01T00:00:00.000Z', limit: 10 };
    await world.store.transaction('retention', (tx) => tx.retention.deletePage('alerts', all));
    const message = 'the alert of this Idempotency-Key is no longer stored';
    expect(await post(world, { status: 'resolved' }, headers)).toEqual({
      status: 409,
      code: 'Conflict',
      message,
      next: 'send another key',
    });
  });
});

describe('the message', () => {
  const under = 'under Source shop/alertmanager';

  it('tells whether the alert is new, known or over', async () => {
    const world = await start([fakeSource()]);
    const first = await post(world);
    expect(first.message).toBe(`Alert created ${under}; Workflow triage was triggered`);
    const second = await post(world);
    expect(second.message).toBe(`Alert was open already and is counted ${under}; nothing was triggered`);
    const over = await post(world, { status: 'resolved' });
    expect(over.message).toBe(`Alert resolved ${under}; nothing was triggered`);
    expect([second.id, over.id]).toEqual([first.id, first.id]);
    const again = await post(world, { status: 'resolved' });
    expect(again.message).toBe(`Alert counted ${under}; nothing was triggered`);
  });

  it('tells that the Workflow is not ready, or that the Source triggers nothing', async () => {
    const absent = await start([fakeSource({ triggerWorkflow: 'absent' })]);
    expect((await post(absent)).message).toBe(
      `Alert created ${under}; Workflow absent was triggered, but it is not ready: the run failed and can be repeated`,
    );
    const suspended = await start([fakeSource({ suspend: true })]);
    expect((await post(suspended)).message).toBe(`Alert created ${under}; nothing was triggered`);
  });

  it('does not reach who has no token', async () => {
    const world = await start([fakeSource()]);
    const response = await world.server.inject({ method: 'POST', url: '/alerts', payload: body });
    expect(response.statusCode).toBe(401);
    expect(await alertsOf(world)).toEqual([]);
  });
});
