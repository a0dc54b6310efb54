import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/lib/id.ts';
import { alertFingerprint } from '../../src/lib/hash.ts';
import { deliveryFixture, stepFixture } from '../support/deliveries.ts';
import { fakeSource, sourceToken } from '../support/fake-server.ts';
import { looseDelivery } from '../support/rows.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

const at = '2026-01-01T00:00:00.000Z';
let world: World;
beforeEach(async () => {
  const onlyShop = fakeSource({
    accepts: (labels) =>
      labels['team'] === 'shop' ? null : { reason: 'FilterMismatch', message: 'label team is not shop' },
  });
  const everything = fakeSource({ namespace: 'zoo', name: 'all', path: 'all', triggerWorkflow: 'absent' });
  world = await createWorld({}, [everything, onlyShop]);
});
afterEach(() => world.close());

const alert = { alert_name: 'Down', severity: 'critical', labels: { team: 'shop', pod: 'p1' } };
type Body = Record<string, unknown>;
interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

async function created(
  body: Body = alert,
  headers: Record<string, string> = {},
): Promise<{ id: string; message: string }> {
  const response = await world.post('/alerts', body, headers);
  expect(response.statusCode).toBe(201);
  return response.json();
}

describe('POST /alerts', () => {
  it('goes to the first Source, by namespace and name, whose filters accept', async () => {
    const answer = await created();
    expect(answer.message).toBe('Alert created under Source shop/alertmanager; Workflow triage was triggered');
    const shown = (await world.get(`/api/v1/alerts/${answer.id}`)).json();
    expect(shown).toMatchObject({
      name: 'Down',
      source: 'alertmanager',
      namespace: 'shop',
      status: 'received',
      episode: 1,
    });
    expect(shown.fingerprint).toBe(alertFingerprint('Down', alert.labels));
    expect(shown.runs).toHaveLength(1);
    expect(shown.transitions).toMatchObject([{ toStatus: 'received' }]);
    const other = await created({ ...alert, labels: { team: 'bank' } });
    expect(other.message).toContain('under Source zoo/all; Workflow absent was triggered');
  });

  it('matches filters on the name and severity that stand beside the labels', async () => {
    const seen: unknown[] = [];
    const source = fakeSource({
      accepts: (labels) => {
        seen.push(labels);
        return null;
      },
    });
    const own = await createWorld({}, [source]);
    expect((await own.post('/alerts', { alert_name: 'A', severity: 'info' })).statusCode).toBe(201);
    expect(seen[0]).toEqual({ alertname: 'A', severity: 'info' });
    await own.close();
  });

  it('keeps an alert that no Source accepts, and says that nothing was triggered', async () => {
    const own = await createWorld({}, [fakeSource({ accepts: () => ({ reason: 'FilterMismatch', message: 'no' }) })]);
    const response = await own.post('/alerts', alert);
    expect(response.statusCode).toBe(201);
    expect(response.json().message).toBe('Alert created; no Source accepts it, so nothing was triggered');
    const shown = (await own.get(`/api/v1/alerts/${response.json().id}`)).json();
    expect(shown).toMatchObject({ source: 'api', namespace: 'default', runs: [] });
    await own.close();
  });

  it('takes a Source by name, and refuses one that is absent or does not accept', async () => {
    expect((await created({ ...alert, source: 'zoo/all' })).message).toContain('zoo/all');
    const absent = await world.post('/alerts', { ...alert, source: 'nobody' });
    expect([absent.statusCode, absent.json()]).toMatchObject([404, { code: 'NotFound', field: 'source' }]);
    const refused = await world.post('/alerts', { ...alert, labels: {}, source: 'shop/alertmanager' });
    expect([refused.statusCode, refused.json()]).toMatchObject([400, { code: 'InvalidInput', field: 'labels' }]);
    expect(refused.json().message).toContain('label team is not shop');
  });

  it('counts a repeat, and resolves', async () => {
    const first = await created();
    const second = await created();
    expect(second.id).toBe(first.id);
    expect(second.message).toContain('open already');
    const resolved = await created({ ...alert, ends_at: '2025-12-31T23:59:59Z', starts_at: '2025-12-31T00:00:00Z' });
    expect(resolved.id).toBe(first.id);
    const runs = (await world.get(`/api/v1/runs?alert=${first.id}`)).json();
    expect(runs.items).toHaveLength(1);
  });

  it('with one Idempotency-Key is taken once, another alert under it all the same', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const first = await created(alert, headers);
    expect(await created(alert, headers)).toEqual(first);
    expect((await world.get(`/api/v1/alerts/${first.id}`)).json().receiveCount).toBe(1);
    const other = await world.post('/alerts', { ...alert, alert_name: 'Other' }, headers);
    expect(other.statusCode).toBe(201);
    expect((await world.get('/api/v1/alerts')).json().items).toHaveLength(2);
  });

  it.each<[string, unknown, string | undefined]>([
    ['no body', undefined, undefined],
    ['no object', [], undefined],
    ['no name', { severity: 'info' }, 'alert_name'],
    ['an empty name', { ...alert, alert_name: '' }, 'alert_name'],
    ['no severity', { alert_name: 'A' }, 'severity'],
    ['a severity of its own', { ...alert, severity: 'page' }, 'severity'],
    ['labels that are no text', { ...alert, labels: { a: 1 } }, 'labels["a"]'],
    ['labels that are a list', { ...alert, labels: ['a'] }, 'labels'],
    ['a time that is none', { ...alert, starts_at: 'yesterday' }, 'starts_at'],
    ['a source that is no text', { ...alert, source: 7 }, 'source'],
    ['a time as a number', { ...alert, ends_at: 5 }, 'ends_at'],
  ])('with %s is refused and changes nothing', async (_name, body, field) => {
    const response = await world.post('/alerts', body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'InvalidInput', ...(field === undefined ? {} : { field }) });
    for (const list of ['alerts', 'events', 'dead-letters', 'runs']) {
      expect((await world.get(`/api/v1/${list}`)).json().items).toEqual([]);
    }
  });

  it.each([
    ['values', { ...alert, unknown: Array(20_001).fill(0) }, 'the body has more than 20000 values'],
    [
      'levels',
      { ...alert, unknown: JSON.parse('['.repeat(65) + ']'.repeat(65)) as unknown },
      'the body is more than 64 deep',
    ],
  ])('with too many %s is refused before it is parsed', async (_, body, message) => {
    const response = await world.post('/alerts', body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ code: 'InvalidInput', message });
  });

  it('leaves alone what it does not know, and hostile names of labels', async () => {
    const labels = JSON.parse('{"team":"shop","__proto__":"x","constructor":"y","{{ .x }}":"${y}"}') as Body;
    const { id } = await created({ ...alert, labels, unknown: { a: 1 } });
    const shown = (await world.get(`/api/v1/alerts/${id}`)).json();
    expect(shown.labels).toMatchObject({ constructor: 'y', '{{ .x }}': '${y}' });
    expect(({} as Body)['x']).toBeUndefined();
  });

  it('is refused for a Source that vanished from the resources a moment ago', async () => {
    const leaving = await createWorld({}, [fakeSource({ leaving: true })]);
    try {
      const response = await leaving.post('/alerts', { ...alert, source: 'shop/alertmanager' });
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ code: 'StoreUnavailable', message: expect.stringContaining('vanished') });
    } finally {
      await leaving.close();
    }
  });

  it('waits until the server is ready', async () => {
    const own = await createWorld({ state: () => 'starting' });
    const response = await own.post('/alerts', alert);
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-5]$/)]);
    await own.close();
  });
});

describe('lists', () => {
  it('go page by page', async () => {
    for (let n = 0; n < 5; n++) await created({ ...alert, labels: { team: 'shop', pod: `p${n}` } });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<{ labels: { pod: string } }> = (
        await world.get(`/api/v1/alerts?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      ).json();
      for (const item of page.items) seen.push(item.labels.pod);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['p4', 'p3', 'p2', 'p1', 'p0']);
  });

  it('filter alerts and runs', async () => {
    const { id } = await created();
    await created({ alert_name: 'Up', severity: 'info', labels: { team: 'bank', pod: 'p1' } });
    const count = async (url: string) => (await world.get(url)).json().items.length;
    expect(await count('/api/v1/alerts?status=received&severity=critical&name=Down&fistNamespace=shop')).toBe(1);
    expect(await count('/api/v1/alerts?status=escalated')).toBe(1);
    expect(await count('/api/v1/alerts?label=pod=p1')).toBe(2);
    expect(await count('/api/v1/alerts?label=pod=p1&label=team=bank')).toBe(1);
    expect(await count(`/api/v1/runs?alert=${id}&status=pending&workflow=triage&namespace=shop`)).toBe(1);
    expect(await count('/api/v1/runs?status=failed')).toBe(1);
    expect(await count('/api/v1/events?source=alertmanager')).toBe(1);
    expect(await count('/api/v1/alerts?search=ban%20p1')).toBe(1);
    expect(await count('/api/v1/runs?error=WorkflowNotReady')).toBe(1);
    expect(await count('/api/v1/runs?error=Timeout')).toBe(0);
    expect(await count('/api/v1/deliveries?sink=out&namespace=shop')).toBe(0);
    expect(await count('/api/v1/dead-letters?source=alertmanager&namespace=shop&reason=BadItem')).toBe(0);
  });

  it('of a time: a moment, or a duration before now', async () => {
    // Ids have the machine's time, which is after that of the server here.
    await created();
    const count = async (url: string) => (await world.get(url)).json().items.length;
    for (const list of ['alerts', 'runs', 'events']) {
      expect(await count(`/api/v1/${list}?since=1h30m`)).toBe(1);
      expect(await count(`/api/v1/${list}?until=0`)).toBe(0);
      expect(await count(`/api/v1/${list}?since=9999-12-31T23:59:59Z`)).toBe(0);
      expect(await count(`/api/v1/${list}?since=1970-01-01T02:00:00%2B02:00&until=9999-12-31T23:59:59Z`)).toBe(1);
    }
  });

  it.each([
    ['/api/v1/alerts?statsu=received', 'statsu'],
    ['/api/v1/alerts?status=firing', 'status'],
    ['/api/v1/alerts?severity=page', 'severity'],
    ['/api/v1/alerts?limit=0', 'limit'],
    ['/api/v1/alerts?limit=501', 'limit'],
    ['/api/v1/alerts?limit=5&limit=6', 'limit'],
    ['/api/v1/alerts?cursor=abc', 'cursor'],
    ['/api/v1/alerts?label=x', 'label'],
    ['/api/v1/alerts?since=yesterday', 'since'],
    ['/api/v1/alerts?until=2026-13-01T00:00:00Z', 'until'],
    ['/api/v1/alerts?since=', 'since'],
    ['/api/v1/alerts?search=-', 'search'],
    ['/api/v1/alerts?search=', 'search'],
    ['/api/v1/alerts?sink=x', 'sink'],
    ['/api/v1/sources?since=1h', 'since'],
    ['/alerts?offset=100001', 'offset'],
    ['/api/v1/runs?status=done', 'status'],
    ['/api/v1/runs?offset=1', 'offset'],
    ['/api/v1/deliveries?status=lost', 'status'],
    ['/api/v1/events?source_name=x', 'source_name'],
    ['/api/v1/dead-letters?status=x', 'status'],
    ['/api/v1/sources?cursor=%00', 'cursor'],
    ['/api/v1/sinks?ready=true', 'ready'],
    ['/api/v1/runs/x?verbose=1', 'verbose'],
    ['/alerts?cursor=x', 'cursor'],
    ['/source-events', 'source_name'],
  ])('%s is refused for %s', async (url, field) => {
    const response = await world.get(url);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'InvalidInput', field });
  });

  it.each([
    '/api/v1/alerts/x',
    '/api/v1/runs/x',
    '/api/v1/deliveries/x',
    '/api/v1/events/x',
    '/api/v1/dead-letters/x',
    '/api/v1/sources/x',
    '/api/v1/sources/a/b',
    '/api/v1/workflows/x',
    '/api/v1/sinks/x',
    '/alerts/x',
    '/workflows/x',
    '/workflows/x/steps',
    '/workflows/x/outputs',
    "/alerts/'%20OR%201=1",
  ])('%s is answered 404 with what to do next', async (url) => {
    const response = await world.get(url);
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'NotFound', next: expect.any(String) });
  });
});

describe('runs', () => {
  async function runWithHistory(): Promise<string> {
    const { id } = await created();
    const runId = (await world.get(`/api/v1/runs?alert=${id}`)).json().items[0].id as string;
    const delivery = deliveryFixture({
      id: newId(),
      runId,
      alertId: id,
      payload: { text: 'x' },
      status: 'sent',
      fence: 1,
      leaseOwner: 'host/1',
      wakeAt: null,
      sentAt: at,
      createdAt: at,
    });
    const step = stepFixture({ id: newId(), runId, name: 'look', result: { summary: 's' } });
    await world.store.transaction('step-end', async (tx) => {
      await tx.runs.writeSteps([step]);
      await tx.runs.addEvidence(runId, '1', [
        { id: 'e1', kind: 'object', object: 'pod/shop/p1', command: 'kubectl get', time: at, excerpt: 'x' },
      ]);
      await tx.deliveries.insert([delivery]);
      await tx.runs.update(runId, { status: 'succeeded', outputs: { a: 1 }, completedAt: at });
    });
    return runId;
  }

  it('are shown with steps, evidence and deliveries, without what only workers need', async () => {
    const id = await runWithHistory();
    const shown = (await world.get(`/api/v1/runs/${id}`)).json();
    expect(shown).toMatchObject({
      id,
      name: 'triage',
      status: 'succeeded',
      outputs: { a: 1 },
      input: { alert: { name: 'Down' } },
    });
    expect(shown.steps).toMatchObject([{ path: '1', name: 'look', result: { summary: 's' } }]);
    expect(shown.evidence).toMatchObject([{ id: 'e1', object: 'pod/shop/p1' }]);
    expect(shown.deliveries).toMatchObject([{ sinkName: 'out', status: 'sent' }]);
    expect(JSON.stringify(shown)).not.toMatch(/"(?:fence|leaseOwner|leaseUntil|process)"/);
    const [delivery] = (await world.get(`/api/v1/deliveries?run=${id}&status=sent`)).json().items;
    expect((await world.get(`/api/v1/deliveries/${delivery.id}`)).json()).toEqual({
      ...delivery,
      data: {},
      payload: { text: 'x' },
    });
  });

  it('are cancelled and repeated; a finished run is not cancelled, an unfinished one not repeated', async () => {
    await created();
    const { id } = (await world.get('/api/v1/runs')).json().items[0];
    const early = await world.post(`/api/v1/runs/${id}/retry`);
    expect([early.statusCode, early.json().code]).toEqual([409, 'Conflict']);
    const cancelled = await world.post(`/api/v1/runs/${id}/cancel`, { reason: 'a test' });
    expect(cancelled.json()).toMatchObject({ id, cancelReason: 'a test', cancelRequestedAt: at });
    const done = await runWithHistory();
    expect((await world.post(`/api/v1/runs/${done}/cancel`)).statusCode).toBe(409);
    const again = await world.post(`/api/v1/runs/${done}/retry`, {});
    expect(again.statusCode).toBe(201);
    expect((await world.get(`/api/v1/runs/${again.json().id}`)).json()).toMatchObject({
      retryOf: done,
      status: 'pending',
    });
    expect((await world.post('/api/v1/runs/absent/cancel')).statusCode).toBe(404);
    expect((await world.post('/api/v1/runs/absent/retry')).statusCode).toBe(404);
  });

  it('have deliveries; a failed one is sent again, no other is', async () => {
    const done = await runWithHistory();
    const [sent] = (await world.get(`/api/v1/deliveries?run=${done}`)).json().items;
    const failed = looseDelivery('again');
    await world.store.transaction('run-end', (tx) =>
      tx.deliveries.insert([{ ...failed, status: 'failed', attempts: 10, error: 'gave up', wakeAt: null }]),
    );
    expect((await world.get('/api/v1/deliveries?status=failed')).json().items).toMatchObject([{ id: failed.id }]);
    const again = await world.post(`/api/v1/deliveries/${failed.id}/retry`, {});
    expect([again.statusCode, again.json()]).toMatchObject([
      200,
      { id: failed.id, status: 'pending', attempts: 0, error: null, retriedAt: at, idempotencyKey: 'again' },
    ]);
    for (const id of [failed.id, sent.id]) {
      const refused = await world.post(`/api/v1/deliveries/${id}/retry`);
      expect([refused.statusCode, refused.json().code]).toEqual([409, 'Conflict']);
    }
    expect((await world.post('/api/v1/deliveries/absent/retry')).statusCode).toBe(404);
    expect((await world.post(`/api/v1/deliveries/${sent.id}/retry`, { x: 1 })).statusCode).toBe(400);
  });

  it('have deliveries that are called off, and those of a Sink are sent again together', async () => {
    const failed = looseDelivery('bulk');
    await world.store.transaction('run-end', (tx) =>
      tx.deliveries.insert([{ ...failed, status: 'failed', attempts: 3, error: 'e', wakeAt: null }]),
    );
    const { namespace, sinkName: sink } = failed;
    const all = await world.post('/api/v1/deliveries/retry', { namespace, sink, status: 'failed' });
    expect([all.statusCode, all.json()]).toEqual([200, { retried: 1 }]);
    for (const body of [{}, { sink, status: 'sent' }, { sink, more: 1 }]) {
      expect((await world.post('/api/v1/deliveries/retry', body)).statusCode).toBe(400);
    }
    expect((await world.post('/api/v1/deliveries/retry', { sink: 'absent' })).statusCode).toBe(404);
    const off = await world.post(`/api/v1/deliveries/${failed.id}/cancel`, { reason: 'gone' });
    expect([off.statusCode, off.json()]).toMatchObject([
      200,
      { id: failed.id, status: 'skipped', error: 'gone', errorCode: 'Cancelled' },
    ]);
    expect(off.json()).not.toHaveProperty('sortKey');
    expect((await world.post(`/api/v1/deliveries/${failed.id}/cancel`)).statusCode).toBe(409);
    expect((await world.post('/api/v1/deliveries/absent/cancel')).statusCode).toBe(404);
  });

  it('have the shape of the first version too', async () => {
    const id = await runWithHistory();
    const row = (await world.get(`/workflows/${id}`)).json();
    expect(Object.keys(row)).toEqual([
      'id',
      'name',
      'namespace',
      'trigger_source',
      'status',
      'steps_completed',
      'total_steps',
      'current_step',
      'input_context',
      'outputs',
      'error',
      'started_at',
      'completed_at',
      'created_at',
    ]);
    expect((await world.get('/workflows')).json()).toEqual([row]);
    expect((await world.get(`/workflows/${id}/steps`)).json()).toMatchObject([
      { workflow_id: id, step_type: 'agent', result: { summary: 's' } },
    ]);
    expect((await world.get(`/workflows/${id}/outputs`)).json()).toEqual({ a: 1 });
  });
});

describe('the routes of the first version', () => {
  it('GET / and /health', async () => {
    expect((await world.get('/')).json()).toMatchObject({ name: 'punching-fist', version: '0.1.0' });
    expect((await world.get('/health')).json()).toEqual({ status: 'healthy', version: '0.1.0' });
  });

  it('alerts with the column names of the contract, by offset', async () => {
    for (let n = 0; n < 3; n++)
      await created({ ...alert, external_id: `x${n}`, labels: { team: 'shop', pod: `p${n}` } });
    const rows = (await world.get('/alerts?limit=2&offset=1')).json();
    expect(rows.map((row: Body) => row['external_id'])).toEqual(['x1', 'x0']);
    expect((await world.get(`/alerts/${rows[0].id}`)).json()).toEqual(rows[0]);
    expect(Object.keys(rows[0])).toEqual(
      'id external_id fingerprint status severity alert_name name summary description labels annotations source_id workflow_id ai_analysis ai_confidence auto_resolved starts_at ends_at received_at triage_started_at triage_completed_at resolved_at created_at updated_at'.split(
        ' ',
      ),
    );
    expect((await world.get('/alerts?limit=5000')).json()).toHaveLength(3);
  });

  it('source events with their body as JSON', async () => {
    await created();
    const [event] = (await world.get('/source-events?source_name=alertmanager&limit=5')).json();
    expect(event).toMatchObject({
      source_name: 'alertmanager',
      source_type: 'webhook',
      event_data: alert,
      workflow_triggered: 'triage',
    });
    expect((await world.get('/source-events?source_name=other')).json()).toEqual([]);
  });
});

describe('Sources, Workflows and Sinks', () => {
  beforeEach(async () => {
    const record = (kind: 'Source' | 'Workflow' | 'Sink', namespace: string, name: string) => ({
      apiVersion: 'punchingfist.io/v1alpha1',
      kind,
      namespace,
      name,
      spec: '{"type":"webhook"}',
      status: '{"ready":true,"conditions":[]}',
      updatedAt: at,
    });
    await world.store.transaction('resources', (tx) =>
      tx.resources.replaceAll([
        record('Source', 'shop', 'alertmanager'),
        record('Source', 'default', 'b'),
        record('Source', 'default', 'a'),
        record('Workflow', 'shop', 'triage'),
        record('Sink', 'shop', 'out'),
      ]),
    );
  });

  it('look like objects of the Kubernetes API, with what was counted', async () => {
    await created();
    expect((await world.get('/api/v1/sources/shop/alertmanager')).json()).toEqual({
      apiVersion: 'punchingfist.io/v1alpha1',
      kind: 'Source',
      metadata: { namespace: 'shop', name: 'alertmanager' },
      spec: { type: 'webhook' },
      status: { ready: true, conditions: [], eventsProcessed: 1, refused: 0, lastEventTime: at },
    });
    expect((await world.get('/api/v1/workflows/shop%2Ftriage')).json().status).toMatchObject({
      lastRun: { status: 'pending' },
    });
    expect((await world.get('/api/v1/sinks/shop/out')).json().status).toMatchObject({
      messagesSent: 0,
      lastSentTime: null,
    });
    expect((await world.get('/api/v1/sources/a')).json().metadata).toEqual({ namespace: 'default', name: 'a' });
  });

  it('a Source whose sender left alerts out says so until it no longer does', async () => {
    await created();
    const tell = (problem: string | null) =>
      world.store.transaction('intake', (tx) =>
        tx.events.countActivity([
          { namespace: 'shop', source: 'alertmanager', events: 1, at, problem, runs: { minute: 0, runs: 0, cap: 0 } },
        ]),
      );
    const conditions = async () => (await world.get('/api/v1/sources/shop/alertmanager')).json().status.conditions;
    await tell('TruncatedAlerts: the sender left out 7 alerts (max_alerts)');
    expect(await conditions()).toEqual([
      {
        type: 'Degraded',
        status: 'True',
        reason: 'TruncatedAlerts',
        message: 'the sender left out 7 alerts (max_alerts)',
        lastTransitionTime: at,
      },
    ]);
    await tell(null);
    expect(await conditions()).toEqual([]);
  });

  it('a Source whose senders are refused says so, with the reasons and how often', async () => {
    const send = (headers: Record<string, string>) =>
      world.server.inject({ method: 'POST', url: '/webhook/alerts', headers, payload: '{"alerts":[]}' });
    for (let n = 0; n < 2; n++) await send({ authorization: 'Bearer wrong' });
    await send({ authorization: `Bearer ${sourceToken}`, 'content-type': 'text/plain' });
    const { status } = (await world.get('/api/v1/sources/shop/alertmanager')).json();
    expect(status).toMatchObject({
      refused: 3,
      conditions: [
        {
          type: 'Refusing',
          status: 'True',
          reason: 'Unauthenticated',
          message: '3 requests were refused in the last 5 minutes: Unauthenticated 2, UnsupportedMediaType 1',
          lastTransitionTime: at,
        },
      ],
    });
    expect((await world.get('/api/v1/sources/a')).json().status).toMatchObject({ refused: 0, conditions: [] });
  });

  it('are listed by namespace and name, page by page', async () => {
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<{ metadata: { namespace: string; name: string } }> = (
        await world.get(`/api/v1/sources?limit=1${cursor === null ? '' : `&cursor=${cursor}`}`)
      ).json();
      for (const { metadata } of page.items) names.push(`${metadata.namespace}/${metadata.name}`);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(names).toEqual(['default/a', 'default/b', 'shop/alertmanager']);
    expect((await world.get('/api/v1/sources?namespace=shop')).json().items).toHaveLength(1);
    expect((await world.get('/api/v1/sources?namespace=none')).json()).toEqual({ items: [], nextCursor: null });
  });
});
