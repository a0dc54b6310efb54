import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { ListPage, ListReader } from '../core/store.ts';
import { createListReader } from './lists.ts';
import { openDatabase } from './sqlite/open.ts';
import type { Connection } from './sqlite/open.ts';

const at = '2026-01-01T00:00:00.000Z';
let connection: Connection;
let lists: ListReader;

/** The nth id, in the order of creation. */
const id = (n: number) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;

beforeEach(() => {
  connection = openDatabase(':memory:');
  lists = createListReader(connection.query);
});
afterEach(() => connection.close());

async function addAlert(n: number, changes: Record<string, unknown> = {}, labels: Record<string, string> = {}) {
  const row = {
    id: id(n),
    namespace: 'shop',
    source: 'alertmanager',
    fingerprint: `f${n}`,
    status: 'received',
    severity: 'warning',
    alert_name: 'Down',
    name: 'Down',
    labels: JSON.stringify(labels),
    annotations: '{"summary":"x"}',
    content_hash: 'h',
    episode: 1,
    receive_count: 1,
    received_at: at,
    last_received_at: at,
    created_at: at,
    updated_at: at,
    ...changes,
  };
  await connection.query
    .insertInto('alerts')
    .values(row as never)
    .execute();
  for (const [name, value] of Object.entries(labels)) {
    await connection.query
      .insertInto('alert_labels')
      .values({ name, value, alert_id: id(n) })
      .execute();
  }
}

async function addRun(n: number, changes: Record<string, unknown> = {}) {
  const row = {
    id: id(n),
    name: 'triage',
    namespace: 'shop',
    trigger_source: 'shop/alertmanager',
    status: 'pending',
    alert_id: id(n),
    input_context: '{"source":{"name":"s","namespace":"shop","type":"webhook"},"alert":null,"context":{},"depth":0}',
    outputs: '{"large":true}',
    deadline_at: at,
    created_at: at,
    ...changes,
  };
  await connection.query
    .insertInto('workflows')
    .values(row as never)
    .execute();
}

const numbers = (page: ListPage<{ id: string }>) => page.items.map((item) => Number(item.id.slice(-12)));

describe('pages', () => {
  it('go from newest to oldest, each once, and end', async () => {
    for (let n = 1; n <= 7; n++) await addAlert(n);
    const seen: number[][] = [];
    let cursor: string | undefined;
    do {
      const page = await lists.alerts({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(numbers(page));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
  });

  it('have no cursor where the last row fills them exactly', async () => {
    for (let n = 1; n <= 3; n++) await addAlert(n);
    expect((await lists.alerts({ limit: 3 })).nextCursor).toBeNull();
  });

  it('stay where they are while newer rows come', async () => {
    for (let n = 1; n <= 4; n++) await addAlert(n);
    const first = await lists.alerts({ limit: 2 });
    await addAlert(9);
    expect(numbers(await lists.alerts({ limit: 2, cursor: first.nextCursor ?? '' }))).toEqual([2, 1]);
  });

  it('take an offset for the old routes', async () => {
    for (let n = 1; n <= 4; n++) await addAlert(n);
    expect(numbers(await lists.alerts({ limit: 2, offset: 1 }))).toEqual([3, 2]);
  });

  const made = Buffer.from(id(1)).toString('base64url');
  it.each([
    '',
    'x',
    `${made}A`,
    `${made}=`,
    made.slice(1),
    Buffer.from("' OR 1=1 --").toString('base64url'),
    Buffer.from(id(1).toUpperCase().replace('0', 'G')).toString('base64url'),
    '../../etc/passwd',
    '\u0000',
  ])('refuse the cursor %j', async (cursor) => {
    for (const name of ['alerts', 'runs', 'events', 'deliveries', 'deadLetters'] as const) {
      const error = await lists[name]({ limit: 10, cursor }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'InvalidInput', field: 'cursor' });
    }
  });
});

describe('filters', () => {
  beforeEach(async () => {
    await addAlert(1, { severity: 'critical' }, { alertname: 'Down', team: 'a', pod: 'p1' });
    await addAlert(2, { status: 'resolved' }, { alertname: 'Down', team: 'a', pod: 'p2' });
    await addAlert(3, { namespace: 'bank', alert_name: 'Up' }, { alertname: 'Up', team: 'b', pod: 'p1' });
  });

  it.each([
    [{}, [3, 2, 1]],
    [{ status: 'received' }, [3, 1]],
    [{ severity: 'critical' }, [1]],
    [{ name: 'Up' }, [3]],
    [{ namespace: 'shop' }, [2, 1]],
    [{ labels: { team: 'a' } }, [2, 1]],
    [{ labels: { team: 'a', pod: 'p1' } }, [1]],
    [{ labels: { team: 'a', pod: 'p1', alertname: 'Up' } }, []],
    [{ labels: { team: 'a' }, status: 'resolved', namespace: 'shop' }, [2]],
    [{ labels: { "te'am": '%' } }, []],
  ])('%j', async (filter, expected) => {
    expect(numbers(await lists.alerts({ limit: 10, ...filter }))).toEqual(expected);
  });

  it('of labels hold across pages', async () => {
    const first = await lists.alerts({ limit: 1, labels: { team: 'a' } });
    expect(numbers(first)).toEqual([2]);
    const second = await lists.alerts({ limit: 1, labels: { team: 'a' }, cursor: first.nextCursor ?? '' });
    expect(numbers(second)).toEqual([1]);
    expect(second.nextCursor).toBeNull();
  });
});

describe('items', () => {
  it('an alert with its analysis, which the list leaves out', async () => {
    await addAlert(1, { ai_analysis: '{"summary":"s"}', skewed: 1, muted_until: at }, { a: 'b' });
    const [listed] = (await lists.alerts({ limit: 1 })).items;
    expect(listed).toMatchObject({ name: 'Down', labels: { a: 'b' }, annotations: { summary: 'x' }, skewed: true });
    expect(listed).toMatchObject({ mutedUntil: at, announced: false });
    expect(listed).not.toHaveProperty('aiAnalysis');
    expect(await lists.alert(id(1))).toEqual({ ...listed, aiAnalysis: { summary: 's' } });
    expect(await lists.alertByIdentity('shop', 'alertmanager', 'f1')).toEqual(await lists.alert(id(1)));
    expect(await lists.alertByIdentity('shop', 'other', 'f1')).toBeUndefined();
    expect(await lists.alert(id(2))).toBeUndefined();
  });

  it('transitions, oldest first', async () => {
    for (const n of [2, 1, 3]) {
      const row = { id: id(n), alert_id: id(n === 3 ? 8 : 7), episode: n, to_status: 'received', reason: 'Fired', at };
      await connection.query.insertInto('alert_transitions').values(row).execute();
    }
    expect((await lists.transitions(id(7))).map((transition) => transition.episode)).toEqual([1, 2]);
  });

  it('runs by status, workflow, namespace and alert, without outputs', async () => {
    await addRun(1);
    await addRun(2, { status: 'failed', name: 'other', error_code: 'StepFailed' });
    await addRun(3, { namespace: 'bank', alert_id: null });
    expect(numbers(await lists.runs({ limit: 9, status: 'pending' }))).toEqual([3, 1]);
    expect(numbers(await lists.runs({ limit: 9, workflow: 'other' }))).toEqual([2]);
    expect(numbers(await lists.runs({ limit: 9, namespace: 'bank' }))).toEqual([3]);
    expect(numbers(await lists.runs({ limit: 9, alertId: id(1) }))).toEqual([1]);
    expect((await lists.runs({ limit: 1 })).items[0]).not.toHaveProperty('outputs');
  });

  it('events, dead letters and their bodies', async () => {
    await connection.query
      .insertInto('source_events')
      .values({
        id: id(1),
        namespace: 'shop',
        source_name: 'am',
        source_type: 'webhook',
        event_data: '{"a":1}',
        content_hash: 'h',
        outcome: '{"Opened":1}',
        receive_count: 2,
        received_at: at,
        last_received_at: at,
      })
      .execute();
    await connection.query
      .insertInto('dead_letters')
      .values({
        id: id(2),
        namespace: 'shop',
        source_name: 'am',
        reason: 'r',
        message: 'm',
        body: 'b',
        received_at: at,
      })
      .execute();
    const [event] = (await lists.events({ limit: 5, source: 'am', namespace: 'shop' })).items;
    expect(event).toMatchObject({ outcome: { Opened: 1 }, receiveCount: 2, sourceName: 'am' });
    expect(event).not.toHaveProperty('eventData');
    expect(await lists.event(id(1))).toEqual({ ...event, eventData: '{"a":1}' });
    expect((await lists.events({ limit: 5, source: 'other' })).items).toEqual([]);
    const [letter] = (await lists.deadLetters({ limit: 5 })).items;
    expect(letter).toEqual({
      id: id(2),
      namespace: 'shop',
      sourceName: 'am',
      reason: 'r',
      message: 'm',
      receivedAt: at,
    });
    expect(await lists.deadLetter(id(2))).toEqual({ ...letter, body: 'b' });
  });

  it('resources, activity and depths', async () => {
    for (const name of ['b', 'a']) {
      await connection.query
        .insertInto('custom_resources')
        .values({
          id: name,
          api_version: 'punchingfist.io/v1alpha1',
          kind: 'Sink',
          namespace: 'shop',
          name,
          spec: '{}',
          status: '{}',
          created_at: at,
          updated_at: at,
        })
        .execute();
    }
    await connection.query
      .insertInto('resource_activity')
      .values([
        { kind: 'Source', namespace: 'shop', name: 'am', processed: 3, last_at: at, last_error: null },
        { kind: 'Sink', namespace: 'shop', name: 'a', processed: 0, last_at: null, last_error: 'refused' },
      ])
      .execute();
    await addRun(1);
    await addRun(2, { status: 'running' });
    expect((await lists.resources('Sink')).map((resource) => resource.name)).toEqual(['a', 'b']);
    expect(await lists.resources('Source')).toEqual([]);
    const { sources, sinks } = await lists.activity();
    expect(sources.get('shop/am')).toEqual({ eventsProcessed: 3, lastEventTime: at, lastProblem: null });
    expect(sinks.get('shop/a')).toEqual({ messagesSent: 0, lastSentTime: null, lastError: 'refused' });
    expect(await lists.depths()).toEqual({ runs: 1, deliveries: 0 });
  });
});

describe('query plans', () => {
  /** Every subset of the optional filters. */
  function subsets(filters: Record<string, unknown>): Record<string, unknown>[] {
    return Object.entries(filters).reduce<Record<string, unknown>[]>(
      (all, [name, value]) => all.flatMap((filter) => [filter, { ...filter, [name]: value }]),
      [{}],
    );
  }

  async function plansOf(call: (lists: ListReader) => Promise<unknown>): Promise<string[]> {
    const plans: string[] = [];
    const reader = createListReader(
      new Proxy(connection.query, {
        get(target, property, receiver) {
          const value: unknown = Reflect.get(target, property, receiver);
          return property === 'selectFrom'
            ? (...tables: never[]) => explaining((target.selectFrom as (...args: never[]) => object)(...tables), plans)
            : value;
        },
      }),
    );
    await call(reader);
    return plans;
  }

  /** A query builder that explains what it runs. */
  function explaining(builder: object, plans: string[]): object {
    return new Proxy(builder, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (property === 'execute' || property === 'executeTakeFirst') {
            const { sql, parameters } = (target as { compile(): { sql: string; parameters: never[] } }).compile();
            const rows = connection.raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
            plans.push(...rows.map((row) => String(row['detail'])));
          }
          const result: unknown = (value as (...args: unknown[]) => unknown).apply(target, args);
          const isBuilder = typeof result === 'object' && result !== null && 'compile' in result && 'execute' in result;
          return isBuilder ? explaining(result, plans) : result;
        };
      },
    });
  }

  const page = { limit: 50, cursor: Buffer.from(id(5)).toString('base64url') };
  const calls: [string, (lists: ListReader) => Promise<unknown>][] = [
    ...subsets({
      status: 'received',
      severity: 'critical',
      name: 'Down',
      namespace: 'shop',
      labels: { a: 'b', c: 'd' },
    }).map((filter): [string, (lists: ListReader) => Promise<unknown>] => [
      `alerts ${Object.keys(filter).join('+')}`,
      (lists) => lists.alerts({ ...page, ...filter }),
    ]),
    ...subsets({ status: 'failed', workflow: 'triage', namespace: 'shop', alertId: id(1) }).map(
      (filter): [string, (lists: ListReader) => Promise<unknown>] => [
        `runs ${Object.keys(filter).join('+')}`,
        (lists) => lists.runs({ ...page, ...filter }),
      ],
    ),
    ...subsets({ source: 'am', namespace: 'shop' }).map((filter): [string, (lists: ListReader) => Promise<unknown>] => [
      `events ${Object.keys(filter).join('+')}`,
      (lists) => lists.events({ ...page, ...filter }),
    ]),
    ...subsets({ status: 'failed', runId: id(1) }).map((filter): [string, (lists: ListReader) => Promise<unknown>] => [
      `deliveries ${Object.keys(filter).join('+')}`,
      (lists) => lists.deliveries({ ...page, ...filter }),
    ]),
    ['alerts, first page', (lists) => lists.alerts({ limit: 50 })],
    ['alerts, one label', (lists) => lists.alerts({ limit: 50, labels: { a: 'b' } })],
    ['dead letters', (lists) => lists.deadLetters(page)],
    ['one dead letter', (lists) => lists.deadLetter(id(1))],
    ['one alert', (lists) => lists.alert(id(1))],
    ['one identity', (lists) => lists.alertByIdentity('shop', 'am', 'f')],
    ['one event', (lists) => lists.event(id(1))],
    ['transitions', (lists) => lists.transitions(id(1))],
    ['resources', (lists) => lists.resources('Source')],
    ['depths', (lists) => lists.depths()],
  ];

  it.each(calls)('%s', async (_name, call) => {
    const plans = await plansOf(call);
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) expect(plan).toMatch(/^(?:SEARCH |CORRELATED SCALAR SUBQUERY)/);
  });

  it('the check itself sees a scan and a sort', () => {
    const plan = (sql: string) =>
      connection.raw
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row['detail']))
        .join();
    expect(plan('SELECT * FROM alerts ORDER BY summary')).toMatch(/SCAN.*TEMP B-TREE/);
  });
});
