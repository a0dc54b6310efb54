import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import type { SourceWorld } from '../../test/support/sources.ts';
import { templateRoots } from '../workflows/view.ts';
import { plan } from '../../test/support/intake.ts';
import { schedule } from './schedule.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

interface Ticks {
  readonly after: (time: string) => string | null;
  readonly upTo: (time: string, count: number) => readonly string[];
}

function ticksOf(cron: string, timezone = 'UTC'): Ticks {
  const { settings } = schedule.compile(schedule.config.parse({ cron, timezone }));
  return (settings as { readonly ticks: Ticks }).ticks;
}

function next(count: number, cron: string, timezone: string, from: string): readonly string[] {
  const { after } = ticksOf(cron, timezone);
  const found: string[] = [];
  for (let tick: string | null = from; found.length < count;) {
    tick = after(tick);
    if (tick === null) break;
    found.push(tick);
  }
  return found.map((tick) => tick.replace(/:00\.000Z$/, 'Z'));
}

describe('the moments of a schedule', () => {
  test.each([
    [
      'five fields',
      '*/20 9-10 * * MON-FRI',
      'UTC',
      '2026-01-02T10:30:00.000Z',
      ['2026-01-02T10:40Z', '2026-01-05T09:00Z'],
    ],
    ['@daily', '@daily', 'Europe/Berlin', '2026-07-01T12:00:00.000Z', ['2026-07-01T22:00Z', '2026-07-02T22:00Z']],
    [
      'the last day of a month',
      '0 6 L * *',
      'UTC',
      '2026-02-01T00:00:00.000Z',
      ['2026-02-28T06:00Z', '2026-03-31T06:00Z'],
    ],
    // Clocks go from 02:00 to 03:00: a time of day that there is not comes at the first moment after.
    ['a gap', '30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00.000Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    [
      'a list in a gap',
      '0 2,14 * * *',
      'Europe/Berlin',
      '2026-03-28T20:00:00.000Z',
      ['2026-03-29T01:00Z', '2026-03-29T12:00Z'],
    ],
    // Clocks go from 03:00 to 02:00: a time of day that comes twice counts once, an interval goes on.
    [
      'an overlap',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00.000Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'an interval in an overlap',
      '30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00:00.000Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z'],
    ],
    [
      'midnight that there is not',
      '0 0 * * *',
      'America/Sao_Paulo',
      '2018-11-03T12:00:00.000Z',
      ['2018-11-04T03:00Z', '2018-11-05T02:00Z'],
    ],
  ])('%s', (_title, cron, timezone, from, expected) => {
    expect(next(2, cron, timezone, from)).toEqual(expected);
  });

  test('six fields have seconds', () => {
    expect(ticksOf('*/15 * * * * *').after('2026-01-01T00:00:01.000Z')).toBe('2026-01-01T00:00:15.000Z');
  });

  test('looked back from a tick, it is among them', () => {
    expect(ticksOf('0 * * * *').upTo('2026-01-01T02:00:00.000Z', 2)).toEqual([
      '2026-01-01T01:00:00.000Z',
      '2026-01-01T02:00:00.000Z',
    ]);
  });

  test.each([
    ['cron', { cron: '61 * * * *' }, 'is no cron expression'],
    ['cron', { cron: '0 0 31 2 *' }, 'a day that never comes'],
    ['cron', { cron: '5/15 * * * *' }, 'is no cron expression'],
  ])('wrong %s: %j', (field, config, message) => {
    const accepted = schedule.config.parse(config);
    expect(() => schedule.compile(accepted)).toThrow(
      expect.objectContaining({ code: 'InvalidResource', field, message: expect.stringContaining(message) }),
    );
  });

  test.each(['@every 5m', '@reboot', '* * * *', '* * * * * * *', ''])('%j does not fit the schema', (cron) => {
    expect(schedule.config.safeParse({ cron }).success).toBe(false);
  });

  test('neither does an unknown time zone', () => {
    expect(schedule.config.safeParse({ cron: '@daily', timezone: 'Mars/Base' }).success).toBe(false);
  });
});

describe.each(contractStores)('a schedule on $name', ({ open }) => {
  let world: SourceWorld;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = createFakeClock('2026-03-01T11:30:00.000Z');
    const opened = await open({ clock });
    world = createSourceWorld(opened.store, clock, [schedule]);
    return async () => {
      await world.stop();
      await opened.close();
    };
  });

  const hourly = (config: object = {}, changes: object = {}) =>
    compiled(schedule, { cron: '0 * * * *', timezone: 'Europe/Berlin', ...config }, { name: 'hourly', ...changes });

  async function ticks(): Promise<readonly unknown[]> {
    return (await world.runs()).map(({ input }) => input.data?.['scheduledAt']);
  }

  const at = (hour: number): string => `2026-03-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

  test('one run for each tick, with the event that proves it, whichever of three replicas is first', async () => {
    world.sources = [hourly()];
    for (let replica = 0; replica < 3; replica += 1) world.start();
    await clock.advance(2 * hourMs);
    expect(await ticks()).toEqual([at(12), at(13)]);
    const [run] = await world.runs();
    expect(run).toMatchObject({
      name: 'triage',
      status: 'pending',
      triggerSource: 'default/hourly',
      alertId: null,
      createdAt: at(12),
      input: {
        source: { name: 'hourly', namespace: 'default', type: 'schedule' },
        alert: null,
        data: { scheduledAt: at(12), cron: '0 * * * *', timezone: 'Europe/Berlin', missed: 0 },
        context: { runbooks: 'repo' },
      },
    });
    expect(await world.events()).toMatchObject([
      {
        sourceType: 'schedule',
        deliveryKey: `tick/${at(12)}`,
        workflowTriggered: 'triage',
        outcome: { RunCreated: 1 },
      },
      { deliveryKey: `tick/${at(13)}` },
    ]);
    expect(world.counted.get('fist_runs_total triage pending')).toBe(2);
    expect(await world.problem('hourly')).toBeNull();
    if (run === undefined) throw new Error('no run');
    const roots = templateRoots(run, plan, [], at(12));
    expect(roots['source']).toMatchObject({ data: { scheduledAt: at(12) }, context: { runbooks: 'repo' } });
    expect(roots['alert']).toEqual({});
  });

  test('what was due before it was first seen is no tick of it', async () => {
    await clock.advance(30 * minuteMs);
    world.sources = [hourly({ catchUp: 'all' })];
    world.start();
    await clock.advance(minuteMs);
    expect(await ticks()).toEqual([]);
  });

  test.each([
    ['skip', 3, [], 3],
    ['last', 3, [at(14)], 2],
    ['all', 3, [at(12), at(13), at(14)], 0],
  ] as const)('catchUp %s after %d ticks that were missed', async (catchUp, _count, expected, missed) => {
    world.sources = [hourly({ catchUp })];
    const first = world.start();
    await clock.advance(0);
    await first.stop();
    await clock.advance(3 * hourMs);
    world.start();
    await clock.advance(1000);
    world.start();
    await clock.advance(minuteMs);
    expect(await ticks()).toEqual(expected);
    expect(world.counted.get('fist_ticks_missed_total hourly') ?? 0).toBe(missed);
    expect(world.warned).toHaveLength(missed === 0 ? 0 : 1);
    if (catchUp === 'last') {
      expect((await world.runs())[0]?.input.data).toMatchObject({ missed: 2 });
      expect(await world.problem('hourly')).toMatch(/^TicksMissed: 2 from 2026-03-01T12:00.* to 2026-03-01T13:00/);
    }
    await clock.advance(hourMs);
    expect(await ticks()).toEqual([...expected, at(15)]);
    expect(await world.problem('hourly')).toBeNull();
  });

  test('a tick that is a little late is none that was missed', async () => {
    world.sources = [hourly({ catchUp: 'skip' })];
    const first = world.start();
    await clock.advance(29.5 * minuteMs);
    await first.stop();
    await clock.advance(minuteMs);
    world.start();
    await clock.advance(0);
    expect(await ticks()).toEqual([at(12)]);
  });

  test('of very many that were missed the newest are made up for, within the storm cap', async () => {
    world.sources = [
      compiled(schedule, { cron: '* * * * *', catchUp: 'all' }, { name: 'busy', stormCapPerMinute: 20 }),
    ];
    const first = world.start();
    await clock.advance(0);
    await first.stop();
    await clock.advance(30 * 24 * hourMs);
    world.start();
    await clock.advance(30_000);
    expect(await world.runs()).toHaveLength(20);
    await clock.advance(3 * minuteMs);
    const made = await ticks();
    expect(made.slice(0, 2)).toEqual(['2026-03-31T10:41:00.000Z', '2026-03-31T10:42:00.000Z']);
    expect(made.at(-1)).toBe('2026-03-31T11:33:00.000Z');
    expect(made).toHaveLength(53);
  });

  test('suspended: the ticks are stored and start nothing, then or later', async () => {
    world.sources = [hourly({}, { suspend: true })];
    world.start();
    await clock.advance(hourMs);
    expect(await world.runs()).toEqual([]);
    expect(await world.events()).toMatchObject([{ outcome: { Suspended: 1 }, workflowTriggered: null }]);
    expect(world.counted.get('fist_runs_muted_total hourly Suspended')).toBe(1);
    world.sources = [hourly()];
    await clock.advance(hourMs);
    expect(await ticks()).toEqual([at(13)]);
  });

  test('without its Workflow the run has failed, is seen and can be repeated', async () => {
    world.workflow = undefined;
    world.sources = [hourly()];
    world.start();
    await clock.advance(hourMs);
    expect(await world.runs()).toMatchObject([{ status: 'failed', errorCode: 'WorkflowNotReady' }]);
    expect(await world.events()).toMatchObject([{ outcome: { WorkflowNotReady: 1 } }]);
  });

  test('a reload: unchanged it goes on, changed it begins anew without a tick of the past, gone it ends', async () => {
    world.sources = [hourly({ catchUp: 'all' })];
    world.start();
    await clock.advance(hourMs);
    world.sources = [hourly({ catchUp: 'all' }, { context: { runbooks: 'new' } })];
    await clock.advance(hourMs);
    expect((await world.runs()).at(-1)?.input.context).toEqual({ runbooks: 'new' });
    world.sources = [hourly({ catchUp: 'all', cron: '*/10 * * * *' })];
    await clock.advance(10 * minuteMs);
    expect(await ticks()).toEqual([at(12), at(13), '2026-03-01T13:40:00.000Z']);
    world.sources = [];
    await clock.advance(hourMs);
    expect(await world.runs()).toHaveLength(3);
  });

  test('a clock that is put back runs no tick twice', async () => {
    world.sources = [hourly()];
    const first = world.start();
    await clock.advance(hourMs);
    await first.stop();
    clock.shiftWallClock(-hourMs);
    world.start();
    await clock.advance(hourMs);
    expect(await ticks()).toEqual([at(12)]);
    await clock.advance(hourMs);
    expect(await ticks()).toEqual([at(12), at(13)]);
  });

  test('a store that is away is trouble, tried again with pauses that grow; the tick comes when it is back', async () => {
    world.sources = [hourly({ catchUp: 'all' })];
    let isAway = false;
    const store: typeof world.store = {
      ...world.store,
      transaction: (name, work) =>
        isAway ? Promise.reject(new Error('the database is away')) : world.store.transaction(name, work),
    };
    const failing: Parameters<typeof world.start>[0] = {
      store,
      intake: { accept: () => Promise.reject(new Error()), request: () => Promise.reject(new Error('away')) },
    };
    world.start(failing);
    await clock.advance(0);
    isAway = true;
    await clock.advance(hourMs);
    // Pauses of 0.5, 1, 2, ... 30 seconds.
    expect(world.counted.get('fist_source_failures_total hourly Internal')).toBeLessThan(70);
    expect(world.counted.get('fist_source_failures_total hourly Internal')).toBeGreaterThan(50);
    isAway = false;
    await clock.advance(minuteMs);
    expect(await world.problem('hourly')).toBe('Failing: Internal: away');
    await world.stop();
    world.start();
    await clock.advance(0);
    expect(await ticks()).toEqual([at(12)]);
    expect(await world.problem('hourly')).toBeNull();
  });
});
