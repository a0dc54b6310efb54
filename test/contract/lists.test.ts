import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStatuses } from '../../src/core/alert.ts';
import { AppError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { AlertQuery, ListPage, ListReader } from '../../src/core/lists.ts';
import { answered } from '../../src/core/group-answer.ts';
import type { StoreTransaction } from '../../src/core/store.ts';
import { lowestIdAt } from '../../src/lib/id.ts';
import { shortId } from '../../src/lib/short-id.ts';
import { parseMatchers } from '../../src/lib/matchers.ts';
import { createWordWriter } from '../../src/store/alerts/word-index.ts';
import { createListReader } from '../../src/store/lists/reader.ts';
import { sqlOf, useDialect } from '../../src/store/sql/dialect.ts';
import { alertFixture } from '../support/rows.ts';
import { runFixture } from '../support/deliveries.ts';
import { equalities } from '../support/matchers.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const at = '2026-01-01T00:00:00.000Z';

/** The nth id, in the order of creation. */
const id = (n: number) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;

describe.each(contractStores)('lists on $name', ({ open }) => {
  let connection: ContractStore;
  let lists: ListReader;

  beforeEach(async () => {
    connection = await open();
    lists = connection.store.read.lists;
  });
  afterEach(() => connection.close());

  interface NewAlert {
    readonly n: number;
    readonly changes?: Record<string, unknown>;
    readonly labels?: Record<string, string>;
  }

  async function addAlerts(alerts: readonly NewAlert[]) {
    for (let start = 0; start < alerts.length; start += 200) {
      const some = alerts.slice(start, start + 200);
      await connection.query
        .insertInto('alerts')
        .values(some.map(alertRow) as never)
        .execute();
      const labels = some.flatMap(({ n, labels = {} }) =>
        Object.entries(labels).map(([name, value]) => ({ name, value, alert_id: id(n) })),
      );
      if (labels.length > 0) await connection.query.insertInto('alert_labels').values(labels).execute();
    }
  }

  async function addAlert(n: number, changes: Record<string, unknown> = {}, labels: Record<string, string> = {}) {
    await addAlerts([{ n, changes, labels }]);
  }

  function alertRow({ n, changes, labels = {} }: NewAlert) {
    return {
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

  /** All of a list, by pages of this size; at most 100. */
  async function allNumbers(
    read: (page: { limit: number; cursor?: string }) => Promise<ListPage<{ id: string }>>,
    limit: number,
  ): Promise<number[]> {
    const all: number[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 100; pages++) {
      const page: ListPage<{ id: string }> = await read({ limit, ...(cursor === null ? {} : { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      all.push(...numbers(page));
      cursor = page.nextCursor;
      if (cursor === null) return all;
    }
    throw new Error('the list does not end');
  }

  const numbers = (page: ListPage<{ id: string }>) => page.items.map((item) => Number(item.id.slice(-12)));

  describe('pages of large rows', () => {
    const description = 'x'.repeat(700_000);

    it('end early, and go on from there', async () => {
      await addAlerts(Array.from({ length: 20 }, (_, n) => ({ n, changes: n % 2 === 0 ? { description } : {} })));
      const expected = Array.from({ length: 20 }, (_, n) => 19 - n);
      for (const filter of [{}, { statuses: ['received'] }, { name: 'Down', severity: 'warning' }] as const) {
        const first = await lists.alerts({ ...filter, limit: 20 });
        expect(numbers(first)).toEqual(expected.slice(0, numbers(first).length));
        expect(first.items.length).toBeLessThan(14);
        expect(first.items.length).toBeGreaterThan(10);
        expect(await allNumbers((page) => lists.alerts({ ...page, ...filter }), 20)).toEqual(expected);
      }
    });

    it('are whole for who counts what it skips', async () => {
      await addAlerts(Array.from({ length: 10 }, (_, n) => ({ n, changes: { description } })));
      expect(numbers(await lists.alerts({ limit: 9, offset: 1 }))).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
      expect(numbers(await lists.alerts({ limit: 9, offset: 0 }))).toHaveLength(9);
    });
  });

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
      await addAlert(1, { severity: 'critical' }, { alertname: 'Down', team: 'a', pod: 'p1', namespace: 'shop' });
      await addAlert(
        2,
        { status: 'resolved' },
        { team: 'a', pod: 'p2', exported_namespace: 'shop', namespace: 'monitoring' },
      );
      await addAlert(3, { namespace: 'bank', alert_name: 'Up' }, { team: 'b', pod: 'p1', 'k8s.namespace.name': 'db' });
    });

    it.each<[Partial<AlertQuery>, number[]]>([
      [{}, [3, 2, 1]],
      [{ statuses: ['received'] }, [3, 1]],
      [{ severity: 'critical' }, [1]],
      [{ name: 'Up' }, [3]],
      [{ objectNamespace: 'shop' }, [2, 1]],
      [{ objectNamespace: 'db' }, [3]],
      [{ objectNamespace: 'db', namespace: 'shop' }, []],
      [{ objectNamespace: 'shop', namespace: 'shop', statuses: ['resolved'] }, [2]],
      [{ objectNamespace: 'x'.repeat(300) }, []],
      [{ statuses: ['received', 'resolved'] }, [3, 2, 1]],
      [{ statuses: [] }, []],
      [{ matchers: parseMatchers('team!=a') }, [3]],
      [{ matchers: parseMatchers('team=~"a|b",pod!~"p2|p3"') }, [3, 1]],
      [{ matchers: parseMatchers('tier=""') }, [3, 2, 1]],
      [{ matchers: parseMatchers('tier!=""') }, []],
      [{ matchers: parseMatchers('severity=critical') }, [1]],
      [{ matchers: parseMatchers('severity!=critical,team=a') }, [2]],
      [{ matchers: parseMatchers('severity=page') }, []],
      [{ matchers: parseMatchers('alertname=Up') }, [3]],
      [{ namespace: 'shop' }, [2, 1]],
      [{ matchers: equalities({ team: 'a' }) }, [2, 1]],
      [{ matchers: equalities({ team: 'a', pod: 'p1' }) }, [1]],
      [{ matchers: equalities({ team: 'a', pod: 'p1', alertname: 'Up' }) }, []],
      [{ matchers: equalities({ team: 'a' }), statuses: ['resolved'], namespace: 'shop' }, [2]],
      [{ matchers: equalities({ "te'am": '%' }) }, []],
    ])('%j', async (filter, expected) => {
      expect(numbers(await lists.alerts({ limit: 10, ...filter }))).toEqual(expected);
    });

    it('of labels hold across pages', async () => {
      const first = await lists.alerts({ limit: 1, matchers: equalities({ team: 'a' }) });
      expect(numbers(first)).toEqual([2]);
      const second = await lists.alerts({
        limit: 1,
        matchers: equalities({ team: 'a' }),
        cursor: first.nextCursor ?? '',
      });
      expect(numbers(second)).toEqual([1]);
      expect(second.nextCursor).toBeNull();
    });
  });

  describe('the order of alerts', () => {
    const minute = (n: number) => new Date(Date.parse(at) + n * 60_000).toISOString();
    const firstName = async () => (await lists.alerts({ limit: 1 })).items[0]?.fingerprint;

    it('is that of their last change: an alert of long ago that fires again comes first', async () => {
      await addAlert(1, { created_at: '2025-10-03T00:00:00.000Z', received_at: minute(5) });
      await addAlert(2, { received_at: minute(4) });
      await addAlert(3, { received_at: minute(1), status: 'resolved', resolved_at: minute(6) });
      await addAlert(4, { received_at: minute(0), status: 'escalated', triage_completed_at: minute(3) });
      await addAlert(5, { received_at: minute(1), triage_started_at: minute(2), status: 'triaging' });
      expect(await allNumbers((page) => lists.alerts(page), 2)).toEqual([3, 1, 2, 4, 5]);
      const open = (page: { limit: number }) => lists.alerts({ ...page, statuses: openStatuses });
      expect(await allNumbers(open, 2)).toEqual([1, 2, 4, 5]);
      expect(numbers(await lists.alerts({ limit: 9, since: minute(4) }))).toEqual([3, 1, 2]);
      expect(numbers(await lists.alerts({ limit: 9, name: 'Down', since: minute(4) }))).toEqual([3, 1, 2]);
    });

    it('is not changed by a repeat, and is by the next episode', async () => {
      const one = alertFixture({ fingerprint: 'one', receivedAt: minute(1) });
      const two = alertFixture({ fingerprint: 'two', receivedAt: minute(2) });
      const write = (work: (tx: StoreTransaction) => Promise<void>) => connection.store.transaction('intake', work);
      await write((tx) => tx.alerts.insertAll([one, two]));
      const repeated = { ...one, receiveCount: 9, lastReceivedAt: minute(8), updatedAt: minute(8) };
      await write((tx) => tx.alerts.saveRepeats([repeated]));
      expect(await firstName()).toBe('two');
      await write((tx) => tx.alerts.saveStates([{ ...repeated, episode: 2, receivedAt: minute(9) }]));
      expect(await firstName()).toBe('one');
      await write((tx) =>
        tx.alerts.endTriage({ id: 'run', alertId: two.id, episode: 1, namespace: 'default' }, minute(10), null),
      );
      expect(await firstName()).toBe('two');
    });
  });

  it('ids are found by a beginning of them or of their short form', async () => {
    const ids = [-90 * 86_400_000, 0, 1].map(
      (ms, n) => `${lowestIdAt(Date.parse(at) + ms).slice(0, 24)}${n}23456789abc`,
    );
    for (const [n, id] of ids.entries()) await addAlert(n, { id });
    for (const id of ids) {
      const short = shortId(id, ids);
      expect(await lists.idsLike('alert', id.slice(0, 30), 6)).toEqual([id]);
      expect(await lists.idsLike('alert', short, 6)).toEqual([id]);
      expect(await lists.idsLike('run', short, 6)).toEqual([]);
    }
    const [, first = '', second = ''] = ids;
    expect(await lists.idsLike('alert', first.slice(0, 10), 6)).toEqual([second, first]);
    expect(await lists.idsLike('alert', shortId(first).slice(0, 4), 6)).toEqual([second, first]);
    expect(await lists.idsLike('alert', first.slice(0, 10), 1)).toEqual([second]);
    expect(await lists.idsLike('alert', 'KubePodCrashLooping', 6)).toEqual([]);
  });

  it('the database says what it is', async () => {
    const { kind, bytes, schema } = await lists.storage();
    expect(kind).toBe(connection.database.startsWith('postgres') ? 'PostgreSQL' : 'SQLite');
    expect(bytes).toBeGreaterThan(10_000);
    expect(schema).toBeGreaterThanOrEqual(5);
  });

  it('the cause of an alert is what its newest run says', async () => {
    const alert = alertFixture();
    await connection.store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
    const causeAfter = async (report: JsonObject | null) => {
      const run = { id: 'run', alertId: alert.id, episode: 1, namespace: 'default' };
      await connection.store.transaction('run-end', (tx) => tx.alerts.endTriage(run, at, report));
      return (await lists.alerts({ limit: 1 })).items[0]?.cause;
    };
    expect((await lists.alerts({ limit: 1 })).items[0]?.cause).toBeNull();
    expect(await causeAfter({ root_cause: 'the disk is full', confidence: 1 })).toBe('the disk is full');
    expect(await causeAfter({ root_cause: '€'.repeat(300) })).toBe(`${'€'.repeat(199)}…`);
    expect(await causeAfter({ root_cause: 'long', cause: { sentence: 'short' } })).toBe('short');
    expect(await causeAfter({ root_cause: null, cause: null })).toBe('');
    expect(await causeAfter(null)).toBeNull();
  });

  it('whose report an alert has is known when the run that wrote it is kept no more', async () => {
    const alert = alertFixture();
    const own = runFixture({ alertId: alert.id, namespace: 'default' });
    const write = (work: (tx: StoreTransaction) => Promise<void>) => connection.store.transaction('run-end', work);
    const ends = (namespace: string, report: JsonObject | null) =>
      write((tx) => tx.alerts.endTriage({ id: own.id, alertId: alert.id, episode: 1, namespace }, at, report));
    const isFound = async () => (await lists.foundWithin('default', [alert.id])).has(alert.id);
    await write((tx) => tx.alerts.insertAll([alert]));
    expect(await isFound()).toBe(false);
    // Of no run that is stored, as after retention.
    await ends('platform', { root_cause: 'the vault is open' });
    await write((tx) => tx.runs.insertAll([{ run: own, plan: null }]));
    expect(await isFound()).toBe(false);
    await ends('default', null);
    expect([await isFound(), (await lists.alert(alert.id))?.aiAnalysis]).toEqual([
      false,
      { root_cause: 'the vault is open' },
    ]);
    await ends('default', { root_cause: 'the disk is full' });
    expect(await isFound()).toBe(true);
    expect(await lists.foundWithin('platform', [alert.id])).toEqual(new Set());
    const known = { runId: own.id, startedAt: at, completedAt: at, cause: 'the vault is open', confidence: null };
    await write((tx) => tx.alerts.saveAnswers([answered(alert, { ...known, namespace: 'platform' }, at)]));
    expect(await isFound()).toBe(false);
  });

  it('a report of the own namespace is told when no run is kept any more', async () => {
    const alert = alertFixture({ reportNamespace: 'default' });
    await connection.store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
    expect(await lists.foundWithin('default', [alert.id])).toEqual(new Set([alert.id]));
    expect(await lists.foundWithin('platform', [alert.id])).toEqual(new Set());
  });

  describe('combinations and times', () => {
    beforeEach(async () => {
      const severities = ['critical', 'warning', 'info'];
      const statuses = ['received', 'triaging', 'escalated', 'resolved'];
      const alerts = Array.from({ length: 60 }, (_, n) => ({
        n,
        changes: {
          severity: severities[n % 3],
          status: statuses[n % 4],
          namespace: `namespace-${n % 5}`,
          alert_name: `Name${n % 2}`,
        },
        labels: { team: `team-${n % 6}`, env: 'prod' },
      }));
      await addAlerts(alerts);
    });

    const passes: Record<string, (n: number) => boolean> = {
      severity: (n) => n % 3 === 1,
      statuses: (n) => n % 4 === 3,
      namespace: (n) => n % 5 === 2,
      name: (n) => n % 2 === 1,
      matchers: (n) => n % 6 === 1,
    };
    const values = {
      severity: 'warning',
      statuses: ['resolved'],
      namespace: 'namespace-2',
      name: 'Name1',
      matchers: equalities({ env: 'prod', team: 'team-1' }),
    };
    const subsets = Object.keys(passes).reduce<string[][]>(
      (all, name) => all.flatMap((names) => [names, [...names, name]]),
      [[]],
    );

    it('every combination of filters finds what passes all of them, page by page', async () => {
      for (const names of subsets) {
        const filter = Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
        const expected = Array.from({ length: 60 }, (_, n) => 59 - n).filter((n) =>
          names.every((name) => passes[name]?.(n)),
        );
        expect(await allNumbers((page) => lists.alerts({ ...page, ...filter }), 4), names.join('+')).toEqual(expected);
      }
    });

    it('since takes the moment itself in, until leaves it out', async () => {
      await lists.alerts({ limit: 1 });
      const [startMs, hourMs] = [Date.parse('2026-02-01T00:00:00.000Z'), 3_600_000];
      for (let hour = 0; hour < 5; hour++)
        await addAlert(100 + hour, { received_at: new Date(startMs + hour * hourMs).toISOString() });
      const since = new Date(startMs + hourMs).toISOString();
      const until = new Date(startMs + 3 * hourMs).toISOString();
      const fingerprints = async (filter: object) =>
        (await lists.alerts({ limit: 100, ...filter })).items.map(({ fingerprint }) => fingerprint);
      expect(await fingerprints({ since, until })).toEqual(['f102', 'f101']);
      expect(await fingerprints({ since })).toEqual(['f104', 'f103', 'f102', 'f101']);
      expect(await fingerprints({ until, since: new Date(startMs).toISOString() })).toEqual(['f102', 'f101', 'f100']);
      expect(await fingerprints({ since: until, until: since })).toEqual([]);
      const first = await lists.alerts({ limit: 1, since, until });
      expect(await lists.alerts({ limit: 1, since, until, cursor: first.nextCursor ?? '' })).toMatchObject({
        items: [{ fingerprint: 'f101' }],
        nextCursor: null,
      });
    });
  });

  describe('a page that looks in vain', () => {
    it('ends early, and its cursor goes on until what is there is found', async () => {
      const alerts = Array.from({ length: 1300 }, (_, n) => ({
        n: n + 1,
        changes: { alert_name: n < 2 ? 'Old' : 'New' },
        labels: n % 2 === 0 ? { side: 'left', place: 'here' } : { side: 'right', place: 'there' },
      }));
      await addAlerts(alerts);
      const filter = { matchers: equalities({ side: 'left', place: 'here' }), name: 'Old' };
      // The name has the fewest, so it is found at once.
      expect(numbers(await lists.alerts({ limit: 10, ...filter }))).toEqual([1]);
      const contrary = { matchers: equalities({ side: 'left', place: 'there' }), name: 'New' };
      const first = await lists.alerts({ limit: 10, ...contrary });
      expect(first.items).toEqual([]);
      expect(first.nextCursor).not.toBeNull();
      expect(await allNumbers((page) => lists.alerts({ ...page, ...contrary }), 10)).toEqual([]);
    });

    it('leaves nothing out where alerts have several entries in an index', async () => {
      // The name is found by a label and by a column, so that twice as many entries are read as there are alerts.
      await addAlerts(
        Array.from({ length: 1050 }, (_, n) => ({ n: n + 1, labels: { alertname: 'Down', side: 'left' } })),
      );
      const all = Array.from({ length: 1050 }, (_, n) => 1050 - n);
      const filter = { matchers: equalities({ alertname: 'Down', side: 'left' }), search: 'down dow' };
      expect(await allNumbers((page) => lists.alerts({ ...page, ...filter }), 100)).toEqual(all);
    });
  });

  describe('search', () => {
    beforeEach(async () => {
      const labels = {
        alertname: 'KubePodCrashLooping',
        pod: 'checkout-7d9f8b6c5-x2x9z',
        note: 'über ÄPFEL 東京タワー',
      };
      await addAlert(1, { alert_name: 'KubePodCrashLooping', summary: 'Container of the db was OOMKilled' }, labels);
      await addAlert(2, { alert_name: 'NodeNotReady', summary: 'kubelet on node-7 stopped' }, { node: 'node-7' });
      await addAlert(3, { alert_name: 'KubePodNotReady', summary: null }, { pod: 'check' });
    });

    const cases: [string, number[]][] = [
      ['oom', [1]],
      ['OOMKilled', [1]],
      ['oomk', [1]],
      ['killed', [1]],
      ['kille', [1]],
      ['illed', []],
      ['crash', [1]],
      ['CrashLoop', [1]],
      ['podcrash', [1]],
      ['kube', [3, 2, 1]],
      ['kubepod', [3, 1]],
      ['kubelet', [2]],
      ['not ready', [3, 2]],
      ['ready kube pod', [3]],
      ['check', [3, 1]],
      ['checko', [1]],
      ['checkout-7d9f8b6c5', [1]],
      ['7d9', [1]],
      ['x2x9z', [1]],
      ['db', [1]],
      ['on', [2]],
      ['of', [1]],
      ['po', []],
      ['node-7', [2]],
      ['über', [1]],
      ['Äpf', [1]],
      ['ÄPFEL OOM', [1]],
      ['東京タ', [1]],
      ['nothing', []],
      ["kube' OR 1=1", []],
      ['%%% kubelet ___', [2]],
    ];

    it.each(['before', 'after'])('finds words and their beginnings, %s the words are indexed', async (when) => {
      if (when === 'after') await createWordWriter(connection.query)(100);
      const due = await connection.query.selectFrom('alert_words_due').select('alert_id').execute();
      expect(due).toHaveLength(when === 'after' ? 0 : 3);
      for (const [search, expected] of cases)
        expect(numbers(await lists.alerts({ limit: 10, search })), search).toEqual(expected);
    });

    it.each([1, 2, 3])('finds words that are written after statement %i of the search', async (after) => {
      const { query } = connection;
      let statements = 0;
      const watched = query.withPlugin({
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          statements += 1;
          if (statements === after) await createWordWriter(query)(100);
          return result;
        },
      });
      useDialect(watched, sqlOf(query));
      expect(numbers(await createListReader(watched).alerts({ limit: 10, search: 'kub' }))).toEqual([3, 2, 1]);
      expect(await query.selectFrom('alert_words_due').select('alert_id').execute()).toEqual([]);
    });

    it('together with other filters, and across pages', async () => {
      await createWordWriter(connection.query)(2);
      const search = 'kube';
      expect(numbers(await lists.alerts({ limit: 10, search, name: 'NodeNotReady' }))).toEqual([2]);
      expect(numbers(await lists.alerts({ limit: 10, search, matchers: equalities({ pod: 'check' }) }))).toEqual([3]);
      expect(numbers(await lists.alerts({ limit: 10, search, statuses: ['resolved'] }))).toEqual([]);
      expect(await allNumbers((page) => lists.alerts({ ...page, search }), 1)).toEqual([3, 2, 1]);
    });

    it('follows a new summary, and forgets the words of the old one', async () => {
      const write = createWordWriter(connection.query);
      await write(100);
      const content = { externalId: null, description: null, annotations: {}, generatorUrl: null, groupKey: null };
      await connection.store.transaction('intake', async (tx) => {
        await tx.alerts.saveContents([{ ...content, id: id(2), summary: 'disk is full' }]);
        await tx.alerts.saveContents([{ ...content, id: id(1), summary: 'Container of the db was OOMKilled' }]);
      });
      const due = await connection.query.selectFrom('alert_words_due').select('alert_id').execute();
      expect(due).toEqual([{ alert_id: id(2) }]);
      for (const indexed of [false, true]) {
        if (indexed) await write(100);
        expect(numbers(await lists.alerts({ limit: 10, search: 'disk full' }))).toEqual([2]);
        expect(numbers(await lists.alerts({ limit: 10, search: 'kubelet' }))).toEqual([]);
      }
    });

    it.each(['', ' ', '-', 'x', 'é', 'a b c', '1'])('refuses %j, which has no word to look for', async (search) => {
      const error = await lists.alerts({ limit: 10, search }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'InvalidInput', field: 'search' });
    });

    it('refuses too many words, and a beginning of too many', async () => {
      const search = Array.from({ length: 11 }, (_, n) => `word${n}`).join(' ');
      const words = Array.from({ length: 70 }, (_, n) => `abc${String.fromCodePoint(0x4e00 + n)}`);
      await connection.query
        .insertInto('alert_words')
        .values(words.map((word) => ({ word, alert_id: id(1) })))
        .execute();
      for (const text of [search, 'abc']) {
        const error = await lists.alerts({ limit: 10, search: text }).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'InvalidInput', field: 'search' });
      }
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
        const row = {
          id: id(n),
          alert_id: id(n === 3 ? 8 : 7),
          episode: n,
          to_status: 'received',
          reason: 'Fired',
          at,
        };
        await connection.query.insertInto('alert_transitions').values(row).execute();
      }
      expect((await lists.transitions(id(7))).map((transition) => transition.episode)).toEqual([1, 2]);
      const of = await lists.transitionsOf([id(7), id(8), id(9)], 1);
      expect(of.map(({ alertId, episode }) => [alertId, episode])).toEqual([
        [id(8), 3],
        [id(7), 2],
      ]);
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
      expect(sources.get('shop/am')).toEqual({ eventsProcessed: 3, lastEventTime: at, lastProblem: null, waiting: 0 });
      expect(sinks.get('shop/a')).toEqual({ messagesSent: 0, lastSentTime: null, lastError: 'refused' });
      expect(await lists.depths()).toEqual({ runs: 1, deliveries: 0 });
    });
  });
});
