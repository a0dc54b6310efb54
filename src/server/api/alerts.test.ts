import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFixture } from '../../../test/support/deliveries.ts';
import { alertFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import type { AlertRecord, AlertTransition } from '../../core/alert.ts';
import { lowestIdAt } from '../../lib/id.ts';

/** An id of one of the hours before the server's midnight. */
const idAt = (hour: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + hour * 3_600_000);

const alerts = [
  alertFixture({
    id: idAt(20),
    receivedAt: '2025-12-31T20:00:00.000Z',
    fingerprint: 'f1',
    name: 'Oldest',
    namespace: 'shop',
    summary: 'memory limit reached',
    labels: { pod: 'p1', team: 'bank' },
  }),
  alertFixture({
    id: idAt(21),
    receivedAt: '2025-12-31T21:00:00.000Z',
    fingerprint: 'f2',
    name: 'Middle',
    severity: 'info',
    labels: { pod: 'p1', namespace: 'web' },
  }),
  alertFixture({
    id: idAt(22),
    receivedAt: '2025-12-31T22:00:00.000Z',
    fingerprint: 'f3',
    name: 'Newest',
    status: 'escalated',
    labels: { team: 'bank' },
  }),
];
const [oldest, middle, newest] = alerts.map(({ id }) => id) as [string, string, string];

let world: World;
beforeAll(async () => {
  world = await createWorld();
  const run = (n: number) =>
    runFixture({
      id: lowestIdAt(Date.parse('2025-12-31T22:00:00Z') + n),
      alertId: newest,
      episode: n,
      name: `w${n}`,
      leaseOwner: 'host/1',
    });
  const of = (toStatus: AlertTransition['toStatus'], reason: string): AlertTransition => ({
    alertId: newest,
    episode: 1,
    fromStatus: null,
    toStatus,
    reason,
    at: '2025-12-31T22:00:00.000Z',
    sourceEventId: null,
  });
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll(alerts);
    await tx.alerts.addTransitions([of('received', 'Opened'), of('escalated', 'RunEnded')]);
    await tx.runs.insertAll([...Array(21).keys()].map((n) => ({ run: run(n + 1), plan: null })));
    await tx.runs.insertAll([{ run: runFixture({ id: idAt(23), alertId: middle }), plan: null }]);
  });
});
afterAll(() => world.close());

const names = async (query: string): Promise<readonly string[]> =>
  (await world.get(`/api/v1/alerts?${query}`)).json().items.map(({ name }: { name: string }) => name);

describe('GET /api/v1/alerts', () => {
  it.each([
    ['', ['Newest', 'Middle', 'Oldest']],
    ['status=escalated', ['Newest']],
    ['severity=info', ['Middle']],
    ['name=Oldest', ['Oldest']],
    ['fistNamespace=shop', ['Oldest']],
    ['namespace=web', ['Middle']],
    ['status=open', ['Newest', 'Middle', 'Oldest']],
    ['label=pod!=p1', ['Newest']],
    ['label=team=~"bank|shop",pod=p1', ['Oldest']],
    ['search=MEM%20limit', ['Oldest']],
    ['label=pod=p1', ['Middle', 'Oldest']],
    ['label=pod=p1&label=team=bank', ['Oldest']],
    ['severity=warning&label=team=bank', ['Newest', 'Oldest']],
    ['since=3h', ['Newest', 'Middle']],
    ['until=2025-12-31T22:00:00Z', ['Middle', 'Oldest']],
    ['since=3h&until=2h', ['Middle']],
    ['status=resolved', []],
  ])('?%s shows %j, newest first', async (query, shown) => {
    expect(await names(query)).toEqual(shown);
  });

  it('goes on where the page before ended, under the same filters', async () => {
    const first = (await world.get('/api/v1/alerts?limit=1&label=pod=p1')).json();
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual([middle]);
    const second = (await world.get(`/api/v1/alerts?limit=1&label=pod=p1&cursor=${first.nextCursor}`)).json();
    expect(second.items.map(({ id }: { id: string }) => id)).toEqual([oldest]);
    expect(second.nextCursor).toBeNull();
  });

  it('shows what a list has, without what only intake needs', async () => {
    const [item] = (await world.get('/api/v1/alerts?name=Oldest')).json().items;
    const { aiAnalysis: _aiAnalysis, ...shown } = withoutOwn(alerts[0] ?? alertFixture());
    const { receivedAt, startsAt } = shown;
    expect(item).toEqual({
      ...shown,
      object: null,
      since: startsAt,
      changedAt: receivedAt,
      cause: null,
      causeState: 'none',
    });
  });

  it('of an empty list says which filter keeps out how many', async () => {
    const filters = 'status=open&severity=critical&namespace=web&label=pod="p1",team!=x';
    expect((await world.get(`/api/v1/alerts?${filters}`)).json()).toEqual({
      items: [],
      nextCursor: null,
      empty: {
        stored: { count: 3, more: false },
        without: [
          { parameter: 'status', value: 'open', count: 0, more: false },
          { parameter: 'severity', value: 'critical', count: 1, more: false },
          { parameter: 'namespace', value: 'web', count: 0, more: false },
          { parameter: 'label', value: 'pod="p1"', count: 0, more: false },
          { parameter: 'label', value: 'team!="x"', count: 0, more: false },
        ],
      },
    });
    expect((await world.get('/api/v1/alerts?status=resolved')).json().empty).toEqual({
      stored: { count: 3, more: false },
      without: [{ parameter: 'status', value: 'resolved', count: 3, more: false }],
    });
  });

  it.each([
    ['status=firing', 'status', 'status is not one of open, received, triaging, resolved, escalated'],
    ['severity=page', 'severity', 'severity is not one of critical, warning, info'],
    ['name=', 'name', 'name is empty'],
    ['namespace=a&namespace=b', 'namespace', 'namespace was given more than once'],
    ['label=x', 'label', 'label is wrong: Matchers "x": expected an operator (=, !=, =~ or !~) at the end.'],
    ['limit=501', 'limit', 'limit is not a whole number from 1 to 500'],
    ['since=soon', 'since', 'since is neither a time nor a duration before now'],
    ['workflow=x', 'workflow', 'there is no query parameter "workflow" here'],
  ])('?%s is refused', async (query, field, message) => {
    const response = await world.get(`/api/v1/alerts?${query}`);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field, message }]);
  });

  it('of an unknown parameter tells those that there are', async () => {
    expect((await world.get('/api/v1/alerts?x=1')).json().next).toBe(
      'this route takes cursor, fistNamespace, history, label, limit, name, namespace, search, severity, since, status, until',
    );
  });
});

describe('GET /api/v1/alerts/:id', () => {
  it('shows the alert whole, with its transitions in order and its newest 20 runs', async () => {
    const response = await world.get(`/api/v1/alerts/${newest}`);
    expect(response.statusCode).toBe(200);
    const { transitions, runs, ...alert } = response.json();
    const shown = withoutOwn(alerts[2] ?? alertFixture());
    expect(alert).toMatchObject({ ...shown, object: null, causeState: 'none' });
    expect(transitions.map(({ reason }: AlertTransition) => reason)).toEqual(['Opened', 'RunEnded']);
    expect(runs.map(({ name }: { name: string }) => name)).toEqual(Array.from({ length: 20 }, (_, n) => `w${21 - n}`));
    expect(runs[0]).not.toHaveProperty('leaseOwner');
  });

  it('shows neither runs nor transitions of others', async () => {
    expect((await world.get(`/api/v1/alerts/${oldest}`)).json()).toMatchObject({ transitions: [], runs: [] });
    expect((await world.get(`/api/v1/alerts/${middle}`)).json()).toMatchObject({
      transitions: [],
      runs: [{ id: idAt(23) }],
    });
  });

  it('of an absent one is 404 that names it, with a parameter 400, without the token 401', async () => {
    const absent = await world.get('/api/v1/alerts/absent');
    expect([absent.statusCode, absent.json()]).toEqual([
      404,
      { code: 'NotFound', message: 'there is no alert absent', next: 'fist get alerts --all' },
    ]);
    const parameter = await world.get(`/api/v1/alerts/${newest}?verbose=1`);
    expect([parameter.statusCode, parameter.json()]).toMatchObject([
      400,
      { field: 'verbose', next: 'this route takes none' },
    ]);
    expect((await world.server.inject(`/api/v1/alerts/${newest}`)).statusCode).toBe(401);
    expect((await world.server.inject('/api/v1/alerts')).statusCode).toBe(401);
  });
});

/** What the API shows of a row. */
function withoutOwn({ contentHash: _contentHash, reportNamespace: _reportNamespace, ...shown }: AlertRecord) {
  return shown;
}
