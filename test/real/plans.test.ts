import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStatuses } from '../../src/core/alert.ts';
import { mostExamined } from '../../src/core/lists.ts';
import type { AlertQuery, ListReader } from '../../src/core/lists.ts';
import { retainedKinds } from '../../src/core/retention.ts';
import type { StoreTransaction } from '../../src/core/store.ts';
import { shortId } from '../../src/lib/short-id.ts';
import { createAgentStore } from '../../src/store/agent/store.ts';
import { createAlertStore } from '../../src/store/alerts/store.ts';
import { createDeliveryStore } from '../../src/store/deliveries/store.ts';
import { createEventStore } from '../../src/store/events/store.ts';
import { noHints } from '../../src/store/commit/hints.ts';
import { createLearnedStore } from '../../src/store/learned/store.ts';
import { createListReader } from '../../src/store/lists/reader.ts';
import { createResourceStore } from '../../src/store/resources/store.ts';
import { createRetentionStore } from '../../src/store/retention/store.ts';
import { createGroupStore } from '../../src/store/runs/groups.ts';
import { createRunStore } from '../../src/store/runs/store.ts';
import type { Database } from '../../src/store/tables/all.ts';
import { createDutyStore } from '../../src/store/commit/duties.ts';
import { deliveryFixture } from '../support/deliveries.ts';
import { equalities } from '../support/matchers.ts';
import { alertFixture } from '../support/rows.ts';
import { fillMany, manyRows, rowId, timeOf } from '../contract/many-rows.ts';
import { explainOn } from '../contract/plans.ts';
import type { Explaining } from '../contract/plans.ts';
import { contractStores } from '../contract/stores.ts';
import type { ContractRows } from '../contract/stores.ts';

// With many rows in every table that grows: no statement of the program reads one of them whole, or sorts what no index
// bounds. On PostgreSQL the rows that were really looked at are counted, too.

type Call = (lists: ListReader) => Promise<unknown>;

/** Every subset of the optional filters. */
function subsets(filters: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  return Object.entries(filters).reduce<Record<string, unknown>[]>(
    (all, [name, value]) => all.flatMap((filter) => [filter, { ...filter, [name]: value }]),
    [{}],
  );
}

const limit = 50;
const middle = { limit, cursor: Buffer.from(rowId(manyRows / 2)).toString('base64url') };
const middleOfAlerts = { limit, cursor: Buffer.from(timeOf(manyRows / 2) + rowId(manyRows / 2)).toString('base64url') };
const time = { since: timeOf(100), until: timeOf(manyRows - 100) };

function named(
  what: string,
  list: (lists: ListReader, filter: never) => Promise<unknown>,
  filters: object,
): [string, Call][] {
  return subsets(filters as Record<string, unknown>).map((filter) => [
    `${what} ${Object.keys(filter).join('+')}`,
    (lists) => list(lists, filter as never),
  ]);
}

const alerts = (lists: ListReader, filter: Partial<AlertQuery>) => lists.alerts({ ...middleOfAlerts, ...filter });

const pages: [string, Call][] = [
  ...named('alerts', alerts, {
    statuses: openStatuses,
    severity: 'critical',
    name: 'Name3',
    objectNamespace: 'namespace-1',
    namespace: 'shop',
    matchers: equalities({ env: 'prod', team: 'team-1' }),
    search: 'checkout loop',
  }),
  ...named('alerts that all match:', alerts, {
    matchers: equalities({ env: 'prod' }),
    search: 'checkout',
    statuses: ['resolved'],
  }),
  ...named('alerts that never match:', alerts, {
    matchers: equalities({ env: 'none' }),
    search: 'nothing',
    name: 'None',
    namespace: 'none',
  }),
  ...named('alerts of which none match together:', alerts, {
    matchers: equalities({ env: 'prod', team: 'team-1', alertname: 'Name0' }),
    search: 'pod checkout xyz',
    severity: 'info',
  }),
  ...named('runs', (lists, filter: object) => lists.runs({ ...middle, ...filter }), {
    status: 'failed',
    workflow: 'workflow-1',
    namespace: 'shop',
    alertId: rowId(7),
    errorCode: 'Timeout',
  }),
  ...named('events', (lists, filter: object) => lists.events({ ...middle, ...filter }), {
    source: 'source-1',
    namespace: 'shop',
    ...time,
  }),
  ...named('deliveries', (lists, filter: object) => lists.deliveries({ ...middle, ...filter }), {
    status: 'failed',
    runId: rowId(7),
    sink: 'sink-1',
    namespace: 'shop',
  }),
  ...named('dead letters', (lists, filter: object) => lists.deadLetters({ ...middle, ...filter }), {
    source: 'source-1',
    namespace: 'shop',
    reason: 'BadEnvelope',
  }),
  ['alerts, first page', (lists) => lists.alerts({ limit })],
  ['open alerts, first page', (lists) => lists.alerts({ limit, statuses: openStatuses })],
  ['alerts of a time', (lists) => lists.alerts({ limit, ...time })],
  ['alerts of a time and status', (lists) => lists.alerts({ limit, statuses: ['resolved'], ...time })],
  ['alerts by the beginning of a word', (lists) => lists.alerts({ limit, search: 'che' })],
  ['alerts by a word of two letters', (lists) => lists.alerts({ limit, search: 'of' })],
  ['runs, first page', (lists) => lists.runs({ limit })],
];

const items: [string, Call][] = [
  ['one alert', (lists) => lists.alert(rowId(1))],
  ['one identity', (lists) => lists.alertByIdentity('shop', 'source-0', 'fingerprint-0')],
  ['the history of an alert that flaps', (lists) => lists.transitions(rowId(7))],
  ['what has changed', (lists) => lists.changesSince(timeOf(manyRows - 30), 200)],
  ['runs that have changed', (lists) => lists.runsChangedSince(timeOf(manyRows - 30), 200)],
  ['runs that ended', (lists) => lists.runsEndedAfter({ at: timeOf(manyRows - 30), id: rowId(1) }, 10)],
  ['some alerts whole', (lists) => lists.alertsOf([rowId(1), rowId(2)])],
  ['some runs whole', (lists) => lists.runsOf([rowId(1), rowId(2)])],
  ['some events whole', (lists) => lists.eventsOf([rowId(1), rowId(2)], 100)],
  ['ids of a minute', (lists) => lists.idsLike('alert', shortId(rowId(7)), 6)],
  ['ids that begin so', (lists) => lists.idsLike('event', rowId(7).slice(0, 20), 6)],
  ['the database itself', (lists) => lists.storage()],
  ['histories', (lists) => lists.transitionsOf([rowId(7), rowId(8)], 20)],
  ['one event', (lists) => lists.event(rowId(1))],
  ['one dead letter', (lists) => lists.deadLetter(rowId(1))],
  ['resources', (lists) => lists.resources('Source')],
  ['depths', (lists) => lists.depths()],
  ['oldestDeliveries', (lists) => lists.oldestDeliveries()],
  ['activity', (lists) => lists.activity()],
];

const now = timeOf(manyRows + 5);
const later = timeOf(manyRows + 6);
const sink = { namespace: 'shop', sinkName: 'sink-1' };
const alert = { id: rowId(7), externalId: null, summary: 'other', description: null, annotations: {} };

const agentRun = { alertId: rowId(7), namespace: 'shop', name: 'workflow-0' };

type Work = (tx: StoreTransaction) => Promise<unknown>;

/** Everything that the program does again and again, by the name of its method. */
const hotPath: [string, Work][] = [
  ['alerts.findStates', (tx) => tx.alerts.findStates([identityOf(1), identityOf(2), identityOf(-1)])],
  ['alerts.saveContents', (tx) => tx.alerts.saveContents([{ ...alert, generatorUrl: null, groupKey: null }])],
  ['alerts.saveStates', (tx) => tx.alerts.saveStates([alertFixture({ id: rowId(1), status: 'triaging' })])],
  ['alerts.sourcesWithOpen', (tx) => tx.alerts.sourcesWithOpen()],
  ['alerts.findExpired', (tx) => tx.alerts.findExpired('shop', 'source-1', now, 100)],
  ['alerts.findMuted', (tx) => tx.alerts.findMuted(now, 100)],
  ['events.findKeyed', (tx) => tx.events.findKeyed([{ namespace: 'shop', source: 'source-1', key: 'key-10' }])],
  ['events.contentHashes', (tx) => tx.events.contentHashes([rowId(1), rowId(2)])],
  ['events.update', (tx) => tx.events.update(rowId(1), { receiveCount: 2 })],
  ['events.bumpAll', (tx) => tx.events.bumpAll([{ id: rowId(1), times: 1, at: now }])],
  ['runs.find', (tx) => tx.runs.find(rowId(1))],
  ['runs.steps', (tx) => tx.runs.steps(rowId(1))],
  ['runs.evidence', (tx) => tx.runs.evidence(rowId(1))],
  ['runs.lastEvidenceNumber', (tx) => tx.runs.lastEvidenceNumber(rowId(1))],
  ['runs.due', (tx) => tx.runs.due(now, 100)],
  ['runs.nextWakeAt', (tx) => tx.runs.nextWakeAt()],
  ['runs.cancelRequestedAt', (tx) => tx.runs.cancelRequestedAt(rowId(1))],
  ['runs.briefsOfAlerts', (tx) => tx.runs.briefsOfAlerts([rowId(1), rowId(2), rowId(3)], now)],
  ['runs.claim', (tx) => tx.runs.claim(rowId(manyRows - 4), 'worker', now, later)],
  ['runs.lock', (tx) => tx.runs.lock(rowId(manyRows - 4), 2, { stepsCompleted: 1, currentStep: null })],
  ['runs.renew', (tx) => tx.runs.renew(rowId(manyRows - 4), 2, later)],
  ['runs.takeSlot', (tx) => tx.runs.takeSlot('key-2', 1, rowId(manyRows - 4), now)],
  ['runs.freeSlot', (tx) => tx.runs.freeSlot(rowId(manyRows - 8), 'key-1', now)],
  ['runs.freeAllSlots', (tx) => tx.runs.freeAllSlots(rowId(manyRows - 4), ['key-1'], now)],
  ['runs.wakeWaiter', (tx) => tx.runs.wakeWaiter('key-1', now)],
  ['runs.requestCancel', (tx) => tx.runs.requestCancel(rowId(manyRows - 8), now, 'r')],
  ['runs.stuck', (tx) => tx.runs.stuck(now, later)],
  ['runs.freeOrphanSlots', (tx) => tx.runs.freeOrphanSlots(now)],
  ['runs.releaseLeases', (tx) => tx.runs.releaseLeases(now)],
  ['agent.events', (tx) => tx.agent.events(rowId(1), { after: 0, limit: 100 })],
  ['agent.eventsOfStep', (tx) => tx.agent.eventsOfStep(rowId(1), '1')],
  ['agent.spentOn', (tx) => tx.agent.spentOn('2026-01-02')],
  ['agent.spentOn a Workflow', (tx) => tx.agent.spentOn('2026-01-02', { namespace: 'shop', name: 'workflow-1' })],
  ['agent.closedWith', (tx) => tx.agent.closedWith('hash-20', { ...agentRun, id: rowId(manyRows) })],
  ['agent.lock', (tx) => tx.agent.lock(rowId(manyRows - 4), 2, { events: 1, tokens: 1, costMicros: 1 })],
  ['agent.charge', (tx) => tx.agent.charge('2026-01-02', agentRun, { tokens: 1, costMicros: 1 })],
  ['groups.find', (tx) => tx.groups.find(['group-1', 'group-2', 'absent'])],
  ['groups.joined', (tx) => tx.groups.joined([{ alertId: rowId(3), runId: rowId(7) }])],
  ['groups.alertsOf', (tx) => tx.groups.alertsOf({ id: rowId(7), alertId: rowId(7) }, 19)],
  ['groups.page', (tx) => tx.groups.page(rowId(7), rowId(100), 100)],
  ['groups.copy', (tx) => tx.groups.copy(rowId(8), rowId(manyRows + 1))],
  ['deliveries.find', (tx) => tx.deliveries.find(rowId(1))],
  ['deliveries.due', (tx) => tx.deliveries.due(now, 100)],
  ['deliveries.nextWakeAt', (tx) => tx.deliveries.nextWakeAt()],
  ['deliveries.claim', (tx) => tx.deliveries.claim({ ...claimOf(manyRows - 1), sends: true })],
  [
    'deliveries.finish',
    (tx) => tx.deliveries.finish({ ...sink, id: rowId(manyRows - 1), fence: 2 }, sent, now, limits),
  ],
  ['deliveries.retry', (tx) => tx.deliveries.retry(rowId(50), now)],
  ['deliveries.place', (tx) => tx.deliveries.place(rowId(manyRows - 1), { ...sink, data: {}, incident: null })],
  ['deliveries.retryPage', (tx) => tx.deliveries.retryPage({ ...sink, after: rowId(1), limit: 50 }, now)],
  ['deliveries.cancel', (tx) => tx.deliveries.cancel(rowId(manyRows - 1), 'r', now)],
  ['deliveries.groupFires', (tx) => tx.deliveries.groupFires({ runId: rowId(8), alertId: rowId(8) })],
  ['deliveries.firesAgain', (tx) => tx.deliveries.firesAgain({ alertId: rowId(1) }, 1)],
  ['deliveries.wasTold', (tx) => tx.deliveries.wasTold({ ...sink, alertId: rowId(1) }, 1)],
  [
    'deliveries.teller',
    (tx) => tx.deliveries.teller({ ...claimOf(manyRows - 1).delivery, incident: 'cause-4' }, tellerWanted, now),
  ],
  [
    'deliveries.earlierReference',
    (tx) =>
      tx.deliveries.earlierReference({
        ...sink,
        id: rowId(9),
        alertId: rowId(1),
        runId: null,
        sortKey: '0000000002.0.z',
      }),
  ],
  ['deliveries.referenceOfRun', (tx) => tx.deliveries.referenceOfRun(sink, rowId(1))],
  [
    'deliveries.othersFireAt',
    (tx) => tx.deliveries.othersFireAt({ ...sink, alertId: rowId(1) }, 'C0123456789/1772366400.000100'),
  ],
  ['deliveries.runAtPlace', (tx) => tx.deliveries.runAtPlace(sink.namespace, 'C0123456789/1772366400.000100')],
  ['deliveries.wakeStuck', (tx) => tx.deliveries.wakeStuck(now, { wakeUp: later, lease: later }, later)],
  ['deliveries.releaseLeases', (tx) => tx.deliveries.releaseLeases(now)],
  ['duties.claim', (tx) => tx.duties.claim('audit', now)],
  ...retainedKinds.flatMap((kind): [string, Work][] => [
    [
      `retention.deletePage ${kind}`,
      (tx) => tx.retention.deletePage(kind, { after: rowId(500), before: rowId(1000), endedBefore: now, limit: 50 }),
    ],
    [`retention.oldestOfNewest ${kind}`, (tx) => tx.retention.oldestOfNewest(kind, 200)],
  ]),
  ['retention.deleteSpending', (tx) => tx.retention.deleteSpending('2026-01-03')],
  ['retention.deleteOrphanWords', (tx) => tx.retention.deleteOrphanWords({ word: 'c', alertId: rowId(1) }, 200)],
];

/** What looks unbounded to the check and is not. */
const bounded: Readonly<Record<string, RegExp>> = {
  // The steps of one run.
  'runs.steps': /ORDER BY/,
  // What is stuck, found by the status of unfinished runs.
  'runs.stuck': /ORDER BY/,
  // As many entries as are to be counted, from the newest on.
  'retention.oldestOfNewest': /^SCAN \w+ USING COVERING INDEX/,
};

const tellerWanted = { since: timeOf(100), severity: 'warning' } as const;
const limits = { maxConcurrent: 4, ratePerMinute: null };
const sent = { status: 'sent', wakeAt: null, sentAt: now } as const;

function claimOf(n: number) {
  const delivery = deliveryFixture({
    ...sink,
    id: rowId(n),
    event: 'alert-resolved',
    alertId: rowId(1),
    data: { episode: 1 },
  });
  return { delivery, owner: 'worker', now, leaseUntil: later, limits };
}

function identityOf(n: number) {
  return { namespace: 'shop', source: `source-${n % 3}`, fingerprint: `fingerprint-${n}` };
}

/** Statements of one page: what it looks at is counted for each filter, then read in at most three turns. */
const mostRowsOfPage = 12 * mostExamined;

describe.each(contractStores)('plans on $name', ({ openRows }) => {
  let opened: ContractRows;
  let explaining: Explaining;
  beforeAll(async () => {
    opened = await openRows();
    await fillMany(opened);
    explaining = explainOn(opened);
  });
  afterAll(async () => {
    await explaining.close();
    await opened.close();
  });

  async function check(work: () => Promise<unknown>, mostRows: number, tolerated = /^$/): Promise<void> {
    const plans = await explaining.plansOf(work);
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      const problems = plan.problems.filter((problem) => !tolerated.test(problem));
      expect(problems, `${plan.sql}\n${plan.text}`).toEqual([]);
    }
    const rowsRead = plans.reduce((sum, plan) => sum + plan.rowsRead, 0);
    expect(rowsRead, plans.map((plan) => `${plan.rowsRead} ${plan.sql}`).join('\n')).toBeLessThanOrEqual(mostRows);
  }

  test.each(pages)('%s', async (_name, call) => {
    const read = () => call(createListReader(explaining.query));
    await check(read, mostRowsOfPage);
    // SQLite does not say how many it looks at: what it searches must be bounded by ids or places, or be a jump to the next name.
    const searches = (await explaining.plansOf(read)).flatMap(({ text }) => text.match(/^SEARCH .*/gm) ?? []);
    const bound = /<expr>[<>]\?|\bid[=<]|\balert_id[=<]|[(\s](?:namespace|name|sink_name|source_name|word)>/;
    expect(searches.filter((search) => !bound.test(search))).toEqual([]);
  });
  test.each(items)('%s', async (_name, call) => {
    await check(() => call(createListReader(explaining.query)), 2 * mostExamined);
  });

  test.each(hotPath)('%s', async (name, work) => {
    const mostRows = name.startsWith('retention.') ? 10 * mostExamined : 3 * mostExamined;
    const tolerated = Object.entries(bounded).find(([method]) => name.startsWith(method))?.[1];
    await check(() => work(createTransaction(explaining.query)), mostRows, tolerated);
  });

  test('the check itself sees a table that is read whole', async () => {
    const query = explaining.query.selectFrom('alerts').select('id').where('summary', '=', 'x');
    const [plan] = await explaining.plansOf(() => query.execute());
    expect(plan?.problems).not.toEqual([]);
  });
});

/** As the stores put it together. */
function createTransaction(query: Kysely<Database>): StoreTransaction {
  return {
    alerts: createAlertStore(query),
    events: createEventStore(query),
    runs: createRunStore(query, noHints()),
    agent: createAgentStore(query),
    learned: createLearnedStore(query),
    groups: createGroupStore(query),
    deliveries: createDeliveryStore(query, noHints()),
    resources: createResourceStore(query),
    duties: createDutyStore(query),
    retention: createRetentionStore(query),
  };
}
