import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveryFixture, runFixture, stepFixture } from '../../../test/support/deliveries.ts';
import { createWorld, plan } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { lowestIdAt, newId } from '../../lib/id.ts';

const now = '2026-01-01T00:00:00.000Z';
/** An id of one of the hours before the server's midnight. */
const idAt = (hour: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + hour * 3_600_000);

const finished = runFixture({ id: idAt(20), alertId: 'a1', leaseOwner: 'host/1' });
const failed = runFixture({
  id: idAt(21),
  alertId: 'a2',
  namespace: 'bank',
  status: 'failed',
  error: 'took too long',
  errorCode: 'RunTimeout',
});
const pending = runFixture({ id: idAt(22), alertId: 'a3', name: 'other', status: 'pending', completedAt: null });
const evidence = {
  id: 'e1',
  kind: 'object',
  object: 'pod/shop/p1',
  command: 'kubectl get pod p1',
  time: now,
  excerpt: 'x',
};
const step = stepFixture({ id: newId(), runId: finished.id, process: { pid: 1, startTime: '2' } });

async function createSeeded(): Promise<World> {
  const world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.runs.insertAll([finished, failed, pending].map((run) => ({ run, plan: null })));
    await tx.runs.writeSteps([step, stepFixture({ id: newId(), runId: failed.id, name: 'of another run' })]);
    await tx.runs.addEvidence(finished.id, '1', [evidence]);
    await tx.deliveries.insert([
      ...[...Array(101).keys()].map((n) =>
        deliveryFixture({
          id: lowestIdAt(Date.parse('2025-12-31T20:00:00Z') + n),
          runId: finished.id,
          idempotencyKey: `k${n}`,
          sinkName: `sink-${n}`,
        }),
      ),
      deliveryFixture({ id: newId(), runId: failed.id, idempotencyKey: 'other' }),
    ]);
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

describe('GET /api/v1/runs', () => {
  it.each([
    ['', [pending, failed, finished]],
    ['status=failed', [failed]],
    ['workflow=other', [pending]],
    ['namespace=bank', [failed]],
    ['alert=a1', [finished]],
    ['error=RunTimeout', [failed]],
    ['workflow=triage&namespace=shop', [finished]],
    ['since=2h30m', [pending]],
    ['until=2025-12-31T21:00:00Z', [finished]],
    ['status=cancelled', []],
  ])('?%s shows what it says, newest first', async (query, runs) => {
    const { items, nextCursor } = (await world.get(`/api/v1/runs?${query}`)).json();
    expect(items.map(({ id }: { id: string }) => id)).toEqual(runs.map(({ id }) => id));
    expect(nextCursor).toBeNull();
  });

  it('goes on where the page before ended', async () => {
    const first = (await world.get('/api/v1/runs?limit=2')).json();
    expect(first.items).toHaveLength(2);
    const second = (await world.get(`/api/v1/runs?limit=2&cursor=${first.nextCursor}`)).json();
    expect(second).toMatchObject({ items: [{ id: finished.id }], nextCursor: null });
  });

  it('shows a run without its outputs and without what only workers need', async () => {
    const [item] = (await world.get('/api/v1/runs?alert=a1')).json().items;
    const { outputs: _outputs, fence: _fence, leaseOwner: _owner, leaseUntil: _until, ...shown } = finished;
    expect(item).toEqual({ ...shown, verdict: null });
  });

  it.each([
    ['status=done', 'status', 'status is not one of pending, running, succeeded, failed, cancelled'],
    ['alert=', 'alert', 'alert is empty'],
    ['limit=0', 'limit', 'limit is not a whole number from 1 to 500'],
    ['until=soon', 'until', 'until is neither a time nor a duration before now'],
    ['alertId=x', 'alertId', 'there is no query parameter "alertId" here'],
  ])('?%s is refused', async (query, field, message) => {
    const response = await world.get(`/api/v1/runs?${query}`);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field, message }]);
  });
});

describe('GET /api/v1/runs/:id', () => {
  it('shows the run whole, with what belongs to it; of its deliveries the newest 100, oldest first', async () => {
    const response = await world.get(`/api/v1/runs/${finished.id}`);
    expect(response.statusCode).toBe(200);
    const { steps, evidence: shownEvidence, deliveries, ...run } = response.json();
    const { fence: _fence, leaseOwner: _owner, leaseUntil: _until, ...shown } = finished;
    expect(run).toEqual({ ...shown, verdict: null, verdicts: [] });
    const { fence: _stepFence, process: _process, ...shownStep } = step;
    expect(steps).toEqual([shownStep]);
    expect(shownEvidence).toEqual([evidence]);
    expect(deliveries.map(({ sinkName }: { sinkName: string }) => sinkName)).toEqual(
      Array.from({ length: 100 }, (_, n) => `sink-${n + 1}`),
    );
    expect(deliveries[0]).not.toHaveProperty('fence');
  });

  it('of an absent one is 404 that names it, with a parameter 400', async () => {
    const absent = await world.get('/api/v1/runs/absent');
    expect([absent.statusCode, absent.json()]).toEqual([
      404,
      { code: 'NotFound', message: 'there is no run absent', next: 'fist get runs' },
    ]);
    const parameter = await world.get(`/api/v1/runs/${finished.id}?steps=1`);
    expect([parameter.statusCode, parameter.json()]).toMatchObject([400, { field: 'steps' }]);
  });

  it('and the others need the token', async () => {
    for (const url of ['', `/${finished.id}`])
      expect((await world.server.inject(`/api/v1/runs${url}`)).statusCode).toBe(401);
    for (const action of ['cancel', 'retry']) {
      const url = `/api/v1/runs/${finished.id}/${action}`;
      expect((await world.server.inject({ method: 'POST', url })).statusCode).toBe(401);
    }
  });
});

describe('POST /api/v1/runs/:id/cancel', () => {
  async function unfinished(): Promise<string> {
    const run = runFixture({ id: newId(), alertId: newId(), status: 'running', completedAt: null });
    await changed.store.transaction('intake', (tx) => tx.runs.insert({ run, plan: null }));
    return run.id;
  }

  it.each([
    [undefined, 'cancelled by a person'],
    [{}, 'cancelled by a person'],
    [{ reason: ' a test ' }, 'a test'],
  ])('with %j asks the run to stop, and shows it', async (body, cancelReason) => {
    const id = await unfinished();
    const response = await changed.post(`/api/v1/runs/${id}/cancel`, body);
    expect([response.statusCode, response.json()]).toMatchObject([200, { id, cancelReason, cancelRequestedAt: now }]);
    expect(response.json()).not.toHaveProperty('fence');
    expect(await changed.store.read.runs.find(id)).toMatchObject({ cancelReason });
  });

  it.each([
    ['', { reason: 5 }, 'reason'],
    ['', { reason: ' ' }, 'reason'],
    ['', { reason: 'x'.repeat(1001) }, 'reason'],
    ['', { why: 'x' }, 'why'],
    ['?reason=x', {}, 'reason'],
  ])('%s %j is refused and stops nothing', async (query, body, field) => {
    const id = await unfinished();
    const response = await changed.post(`/api/v1/runs/${id}/cancel${query}`, body);
    expect([response.statusCode, response.json().code, response.json().field]).toEqual([400, 'InvalidInput', field]);
    expect(await changed.store.read.runs.cancelRequestedAt(id)).toBeNull();
  });

  it('of a finished one is 409, of an absent one 404', async () => {
    const ended = await changed.post(`/api/v1/runs/${finished.id}/cancel`);
    expect([ended.statusCode, ended.json().message]).toEqual([409, `run ${finished.id} has ended already: succeeded`]);
    expect((await changed.post('/api/v1/runs/absent/cancel')).statusCode).toBe(404);
  });
});

describe('POST /api/v1/runs/:id/retry', () => {
  it('makes a new run of a finished one and names both', async () => {
    const before = (await changed.get('/api/v1/runs?alert=a1')).json().items.length;
    const response = await changed.post(`/api/v1/runs/${finished.id}/retry`, {});
    const { id } = response.json();
    expect([response.statusCode, response.json()]).toEqual([201, { id, retryOf: finished.id }]);
    expect(await changed.store.read.runs.find(id)).toMatchObject({
      retryOf: finished.id,
      status: 'pending',
      totalSteps: plan.steps.length,
    });
    expect((await changed.get('/api/v1/runs?alert=a1')).json().items).toHaveLength(before + 1);
  });

  it.each([
    ['?now=1', {}],
    ['', { workflow: 'other' }],
    ['', []],
  ])('%s %j is refused and makes none', async (query, body) => {
    const before = (await changed.get('/api/v1/runs?alert=a1')).json().items.length;
    const response = await changed.post(`/api/v1/runs/${finished.id}/retry${query}`, body);
    expect([response.statusCode, response.json().code]).toEqual([400, 'InvalidInput']);
    expect((await changed.get('/api/v1/runs?alert=a1')).json().items).toHaveLength(before);
  });

  it('of an unfinished one is 409, of one whose Workflow is gone too, of an absent one 404', async () => {
    const early = await changed.post(`/api/v1/runs/${pending.id}/retry`);
    expect([early.statusCode, early.json()]).toMatchObject([
      409,
      { code: 'Conflict', next: `fist cancel run/${pending.id}` },
    ]);
    const gone = await changed.post(`/api/v1/runs/${failed.id}/retry`);
    expect([gone.statusCode, gone.json().code]).toEqual([409, 'WorkflowNotReady']);
    expect((await changed.post('/api/v1/runs/absent/retry')).statusCode).toBe(404);
  });
});
