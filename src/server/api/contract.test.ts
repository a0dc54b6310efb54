import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFixture, stepFixture } from '../../../test/support/deliveries.ts';
import { alertFixture, eventFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { lowestIdAt, newId } from '../../lib/id.ts';
import type { ServerOptions } from '../options.ts';

/** Ids in the order of their numbers. */
const idAt = (n: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + n);
const day = (n: number) => `2026-02-${String(n).padStart(2, '0')}T00:00:00.000Z`;

// Each field has a value of its own, so that none can stand for another.
const alert = alertFixture({
  id: idAt(200),
  fingerprint: 'its fingerprint',
  externalId: 'its external id',
  status: 'resolved',
  severity: 'critical',
  name: 'Down',
  summary: 'its summary',
  description: 'its description',
  labels: { label: 'l' },
  annotations: { annotation: 'a' },
  sourceId: 'its event',
  workflowId: 'its run',
  aiAnalysis: { summary: 'its analysis' },
  aiConfidence: 0.5,
  cause: 'the disk is full',
  autoResolved: true,
  startsAt: day(1),
  endsAt: day(2),
  receivedAt: day(3),
  triageStartedAt: day(4),
  triageCompletedAt: day(5),
  resolvedAt: day(6),
  createdAt: day(7),
  updatedAt: day(8),
});
const run = runFixture({
  id: idAt(200),
  triggerSource: 'shop/alerts',
  status: 'failed',
  stepsCompleted: 3,
  totalSteps: 4,
  currentStep: 'look',
  error: 'its error',
  startedAt: day(1),
  completedAt: day(2),
  createdAt: day(3),
});
const step = stepFixture({
  id: newId(),
  runId: run.id,
  name: 'look',
  status: 'failed',
  error: 'its error',
  startedAt: day(1),
  completedAt: day(2),
  createdAt: day(3),
});

let world: World;
beforeAll(async () => {
  world = await createWorld();
  const numbers = [...Array(101).keys()];
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll([
      ...numbers.map((n) =>
        alertFixture({ id: idAt(n), fingerprint: `f${n}`, name: `n${n}`, receivedAt: '2026-01-01T12:00:00.000Z' }),
      ),
      alert,
    ]);
    await tx.runs.insertAll([
      ...numbers.map((n) => ({ run: runFixture({ id: idAt(n), alertId: idAt(n), name: `n${n}` }), plan: null })),
      { run, plan: null },
    ]);
    await tx.runs.writeSteps([step]);
    await tx.events.insertAll([
      ...numbers.map((n) => eventFixture({ id: idAt(n), sourceName: 'many', eventData: `{"n":${n}}` })),
      eventFixture({ id: idAt(200), sourceName: 'one', eventData: 'no JSON', receivedAt: day(1) }),
    ]);
  });
});
afterAll(() => world.close());

it('GET / names the program and its paths, with the public address where there is one', async () => {
  const paths = { api: '/api/v1', openapi: '/openapi.json', health: '/health', metrics: '/metrics' };
  expect((await world.get('/')).json()).toEqual({ name: 'punching-fist', version: '0.1.0', ...paths });
  const named = await createWorld({ publicUrl: 'https://fist.example' });
  const shown = (await named.get('/')).json();
  expect(shown).toEqual({ name: 'punching-fist', version: '0.1.0', url: 'https://fist.example', ...paths });
  await named.close();
});

describe('POST /alerts', () => {
  const body = { alert_name: 'Down', severity: 'critical' };
  /** Posts to a server of its own, and counts what it has then. */
  async function post(path: string, headers: Record<string, string>, changes: Partial<ServerOptions> = {}) {
    const own = await createWorld(changes);
    const response = await own.post(path, body, headers);
    const alerts = (await own.get('/api/v1/alerts')).json().items;
    const [event] = (await own.get('/api/v1/events')).json().items;
    await own.close();
    return { status: response.statusCode, headers: response.headers, answer: response.json(), alerts, event };
  }

  it('is answered 201 with the id of the alert, which has the time of the server', async () => {
    const { status, answer, alerts } = await post('/alerts', {});
    expect(status).toBe(201);
    expect(Object.keys(answer)).toEqual(['id', 'message']);
    expect(alerts).toMatchObject([{ id: answer.id, name: 'Down', receivedAt: '2026-01-01T00:00:00.000Z' }]);
  });

  it.each([1, 255])('takes an Idempotency-Key of %i characters', async (length) => {
    const key = 'k'.repeat(length);
    const { status, event } = await post('/alerts', { 'idempotency-key': key });
    expect([status, event.deliveryKey]).toEqual([201, key]);
  });

  it.each([0, 256])('refuses an Idempotency-Key of %i characters, rather than not to honour it', async (length) => {
    const { status, answer, alerts } = await post('/alerts', { 'idempotency-key': 'k'.repeat(length) });
    const message = length === 0 ? 'Idempotency-Key is empty' : 'Idempotency-Key is longer than 255 characters';
    expect([status, answer]).toEqual([400, { code: 'InvalidInput', field: 'Idempotency-Key', message }]);
    expect(alerts).toEqual([]);
  });

  it('refuses a parameter', async () => {
    const { status, answer, alerts } = await post('/alerts?dry_run=1', {});
    expect([status, answer.field, alerts]).toEqual([400, 'dry_run', []]);
  });

  it.each(['starting', 'draining'] as const)('is answered 503 while the server is %s', async (state) => {
    const { status, headers, answer, alerts } = await post('/alerts', {}, { state: () => state });
    expect([status, answer]).toEqual([
      503,
      { code: 'Draining', message: `the server is ${state}`, next: 'send it again' },
    ]);
    expect(headers['retry-after']).toMatch(/^[1-5]$/);
    expect(alerts).toEqual([]);
  });
});

describe('GET /alerts', () => {
  const row = {
    id: alert.id,
    external_id: 'its external id',
    fingerprint: 'its fingerprint',
    status: 'resolved',
    severity: 'critical',
    alert_name: 'Down',
    name: 'Down',
    summary: 'its summary',
    description: 'its description',
    labels: { label: 'l' },
    annotations: { annotation: 'a' },
    source_id: 'its event',
    workflow_id: 'its run',
    ai_analysis: { summary: 'its analysis' },
    ai_confidence: 0.5,
    auto_resolved: true,
    starts_at: day(1),
    ends_at: day(2),
    received_at: day(3),
    triage_started_at: day(4),
    triage_completed_at: day(5),
    resolved_at: day(6),
    created_at: day(7),
    updated_at: day(8),
  };

  it('shows alerts in the columns of the first version, its analysis too', async () => {
    expect((await world.get('/alerts?limit=1')).json()).toEqual([row]);
    expect((await world.get(`/alerts/${alert.id}`)).json()).toEqual(row);
  });

  it('of an absent one is 404, with a parameter 400', async () => {
    const absent = await world.get('/alerts/absent');
    const message = 'there is no alert absent';
    expect([absent.statusCode, absent.json()]).toEqual([404, { code: 'NotFound', message, next: 'fist get alerts' }]);
    expect((await world.get(`/alerts/${alert.id}?x=1`)).json().field).toBe('x');
  });
});

describe('GET /workflows', () => {
  const row = {
    id: run.id,
    name: 'triage',
    namespace: 'shop',
    trigger_source: 'shop/alerts',
    status: 'failed',
    steps_completed: 3,
    total_steps: 4,
    current_step: 'look',
    input_context: run.input,
    outputs: { summary: 'memory limit reached' },
    error: 'its error',
    started_at: day(1),
    completed_at: day(2),
    created_at: day(3),
  };

  it('shows runs in the columns of the first version, their outputs too', async () => {
    expect((await world.get('/workflows?limit=1')).json()).toEqual([row]);
    expect((await world.get(`/workflows/${run.id}`)).json()).toEqual(row);
    expect((await world.get(`/workflows/${run.id}/outputs`)).json()).toEqual(row.outputs);
  });

  it('shows the steps of a run', async () => {
    expect((await world.get(`/workflows/${run.id}/steps`)).json()).toEqual([
      {
        id: step.id,
        workflow_id: run.id,
        name: 'look',
        step_type: 'agent',
        status: 'failed',
        started_at: day(1),
        completed_at: day(2),
        result: step.result,
        error: 'its error',
        created_at: day(3),
      },
    ]);
    expect((await world.get(`/workflows/${idAt(1)}/steps`)).json()).toEqual([]);
  });

  it.each(['', '/steps', '/outputs'])('/:id%s of an absent run is 404, with a parameter 400', async (part) => {
    const absent = await world.get(`/workflows/absent${part}`);
    const message = 'there is no run absent';
    expect([absent.statusCode, absent.json()]).toEqual([404, { code: 'NotFound', message, next: 'fist get runs' }]);
    const parameter = await world.get(`/workflows/${run.id}${part}?x=1`);
    expect([parameter.statusCode, parameter.json().field]).toEqual([400, 'x']);
  });
});

describe.each(['alerts', 'workflows'])('pages of GET /%s', (list) => {
  const ids = async (query: string) =>
    (await world.get(`/${list}${query}`)).json().map(({ id }: { id: string }) => id) as readonly string[];

  it('have 20 where nothing else is asked for, and 100 at most', async () => {
    expect(await ids('')).toHaveLength(20);
    expect(await ids('?limit=21')).toHaveLength(21);
    expect(await ids('?limit=5000')).toHaveLength(100);
  });

  it('begin at the offset', async () => {
    expect(await ids('?limit=2&offset=1')).toEqual([idAt(100), idAt(99)]);
    expect(await ids('?limit=5&offset=100')).toEqual([idAt(1), idAt(0)]);
    expect(await ids('?offset=100000')).toEqual([]);
  });

  it.each([
    ['limit=0', 'limit', 'limit is not a whole number from 1 to 1000000'],
    ['offset=-1', 'offset', 'offset is not a whole number from 0 to 100000'],
    ['offset=100001', 'offset', 'offset is not a whole number from 0 to 100000'],
    ['cursor=x', 'cursor', 'there is no query parameter "cursor" here'],
  ])('are refused with %s', async (query, field, message) => {
    const response = await world.get(`/${list}?${query}`);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field, message }]);
  });
});

describe('GET /source-events', () => {
  const events = async (query: string) => (await world.get(`/source-events?source_name=${query}`)).json();

  it('shows those of the Source, newest first, 50 where nothing else is asked for, 100 at most', async () => {
    expect(await events('many')).toHaveLength(50);
    expect(await events('many&limit=5000')).toHaveLength(100);
    expect(await events('many&limit=1')).toMatchObject([{ id: idAt(100), event_data: { n: 100 } }]);
    expect(await events('nobody')).toEqual([]);
  });

  it('shows a body that is no JSON as text', async () => {
    expect(await events('one')).toEqual([
      {
        id: idAt(200),
        source_name: 'one',
        source_type: 'webhook',
        event_data: 'no JSON',
        workflow_triggered: null,
        received_at: day(1),
      },
    ]);
  });

  it('leaves out a body above 64 KiB', async () => {
    const own = await createWorld();
    const most = 'x'.repeat(64 * 1024);
    await own.store.transaction('intake', (tx) =>
      tx.events.insertAll([
        eventFixture({ id: idAt(1), workflowTriggered: 'triage', eventData: `${most}x` }),
        eventFixture({ id: idAt(0), eventData: most }),
      ]),
    );
    expect((await own.get('/source-events?source_name=am')).json()).toMatchObject([
      { event_data: null, workflow_triggered: 'triage' },
      { event_data: most, workflow_triggered: null },
    ]);
    await own.close();
  });

  it.each([
    ['', 'source_name', 'source_name is missing'],
    ['?source_name=', 'source_name', 'source_name is empty'],
    ['?source_name=many&limit=0', 'limit', 'limit is not a whole number from 1 to 1000000'],
    ['?source_name=many&offset=1', 'offset', 'there is no query parameter "offset" here'],
  ])('%s is refused', async (query, field, message) => {
    const response = await world.get(`/source-events${query}`);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field, message }]);
  });

  it('without source_name tells where its values are', async () => {
    expect((await world.get('/source-events')).json().next).toBe('fist get sources');
  });
});

it.each(['/', '/alerts', '/alerts/x', '/workflows', '/workflows/x', '/workflows/x/steps', '/source-events'])(
  'GET %s needs the token',
  async (url) => {
    expect((await world.server.inject(url)).statusCode).toBe(401);
  },
);
