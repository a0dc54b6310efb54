import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject } from '../../../test/support/memory-cluster.ts';
import { cronJob } from './cron-job.ts';

const purge = (spec: object, status: object = {}) => ({
  kind: 'CronJob',
  metadata: { name: 'purge', namespace: 'shop' },
  spec: { schedule: '* * * * *', ...spec },
  status,
});
const told = (reason: string, message: string, extra: object = {}) => ({
  events: [eventObject({ kind: 'CronJob', name: 'purge' }, reason, message, extra)],
});

describe('cron-job', () => {
  test('a good one, and one whose trouble is over, have no findings', async () => {
    expect(await analyze(cronJob, 'cronjob', purge({}))).toEqual([]);
    const old = told('MissSchedule', 'Missed scheduled time to start a job', { lastTimestamp: '2025-12-30T00:00:00Z' });
    expect(await analyze(cronJob, 'cronjob', purge({}), old)).toEqual([]);
  });

  test('suspended', async () => {
    const [finding] = await analyze(
      cronJob,
      'cronjob',
      purge({ suspend: true }, { lastScheduleTime: '2026-01-01T03:00:00Z' }),
    );
    expect(finding).toMatchObject({
      category: 'cronjob-suspended',
      decisive: true,
      cause:
        'CronJob purge is suspended (spec.suspend: true) and starts no runs; its last run was scheduled at 2026-01-01 03:00:00 UTC.',
    });
  });

  test.each([
    [
      'FailedNeedsStart',
      'Cannot determine if job needs to be started: too many missed start time (> 100). Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    ],
    [
      'TooManyMissedTimes',
      'too many missed start times: 101. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    ],
    ['MissSchedule', 'Missed scheduled time to start a job: Thu, 01 Jan 2026 11:00:00 +0000'],
  ])('missed starts: %s', async (reason, message) => {
    const [finding] = await analyze(cronJob, 'cronjob', purge({}), told(reason, message));
    expect(finding).toMatchObject({ category: 'cronjob-missed', when: { from: '2026-01-01T11:30:00.000Z' } });
    expect(finding?.cause).toContain(message);
    expect(finding?.cause).toContain('startingDeadlineSeconds not set');
  });

  test('a schedule and a time zone that cannot be read', async () => {
    const bad = told('UnparseableSchedule', 'unparseable schedule: "61 * * * *": end of range (61) above maximum (59)');
    const [schedule] = await analyze(cronJob, 'cronjob', purge({ schedule: '61 * * * *' }), bad);
    expect(schedule?.cause).toMatch(
      /^The schedule of CronJob purge \(61 \* \* \* \*\) cannot be used: unparseable schedule/,
    );
    const zone = told('UnknownTimeZone', 'invalid timeZone: "Mars": unknown time zone Mars');
    expect(await analyze(cronJob, 'cronjob', purge({}), zone)).toMatchObject([
      { category: 'cronjob-schedule', cause: expect.stringContaining('The time zone of CronJob purge cannot be used') },
    ]);
  });

  test('blocked by a run that goes on: that job is behind it', async () => {
    const waiting = told(
      'JobAlreadyActive',
      'Not starting job because prior execution is running and concurrency policy is Forbid',
      { type: 'Normal' },
    );
    const status = { active: [{ kind: 'Job', name: 'purge-1' }] };
    const [finding] = await analyze(cronJob, 'cronjob', purge({ concurrencyPolicy: 'Forbid' }, status), waiting);
    expect(finding).toMatchObject({
      category: 'cronjob-blocked',
      cause: 'CronJob purge starts no new run (concurrencyPolicy Forbid), because job purge-1 still goes on.',
      pointers: [{ kind: 'job', namespace: 'shop', name: 'purge-1' }],
    });
  });

  test.each([
    ['JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid'],
    ['UnparseableSchedule', 'unparseable schedule: "61 * * * *"'],
    ['MissSchedule', 'Missed scheduled time to start a job'],
  ])('what a later start has overtaken is over: %s', async (reason, message) => {
    const events = told(reason, message, { lastTimestamp: '2026-01-01T06:00:00Z' });
    const status = { lastScheduleTime: '2026-01-01T11:55:00Z', active: [{ name: 'purge-2' }] };
    expect(await analyze(cronJob, 'cronjob', purge({}, status), events)).toEqual([]);
    const before = { ...status, lastScheduleTime: '2026-01-01T05:00:00Z' };
    expect(await analyze(cronJob, 'cronjob', purge({}, before), events)).toHaveLength(1);
  });

  test('a run that ended since blocks nothing', async () => {
    const events = told('JobAlreadyActive', 'Not starting job because prior execution is running');
    expect(await analyze(cronJob, 'cronjob', purge({ concurrencyPolicy: 'Forbid' }), events)).toEqual([]);
  });

  test.each([
    ['*/10 * * * *', '2026-01-01T11:30:00Z', 1],
    ['*/30 * * * *', '2026-01-01T11:30:00Z', 0],
    ['0 */2 * * *', '2026-01-01T07:00:00Z', 1],
    ['15 * * * *', '2026-01-01T09:00:00Z', 1],
    ['0 3 * * *', '2026-01-01T03:00:00Z', 0],
    ['@hourly', '2026-01-01T09:00:00Z', 1],
    ['0 3 * * 1', '2025-12-01T03:00:00Z', 0],
  ])('without an event, a run of %s that goes on since %s blocks it: %i', async (schedule, startTime, count) => {
    const jobs = [{ metadata: { name: 'purge-1', namespace: 'shop' }, status: { startTime } }];
    const object = purge({ schedule, concurrencyPolicy: 'Forbid' }, { active: [{ name: 'purge-1' }] });
    expect(await analyze(cronJob, 'cronjob', object, { jobs })).toHaveLength(count);
    const allowed = purge({ schedule }, { active: [{ name: 'purge-1' }] });
    expect(await analyze(cronJob, 'cronjob', allowed, { jobs })).toEqual([]);
  });

  test('where only its events were read, they tell it', async () => {
    const unread = { metadata: { name: 'purge', namespace: 'shop' } };
    const events = told('FailedNeedsStart', 'too many missed start time (> 100)');
    expect(await analyze(cronJob, 'cronjob', unread, events)).toMatchObject([{ category: 'cronjob-missed' }]);
  });
});
