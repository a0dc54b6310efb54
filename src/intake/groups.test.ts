import { describe, expect, test } from 'vitest';
import type { GroupRun } from '../core/group-store.ts';
import { addMs, toEpochMs } from '../core/time.ts';
import { answeringRun, createGroupRuns, groupOf, quotedLabels } from './groups.ts';

const noon = '2026-03-01T12:00:00.000Z';
const noonMs = toEpochMs(noon);
const source = {
  namespace: 'default',
  name: 'am',
  triggerWorkflow: 'triage',
  grouping: { labels: ['namespace', 'severity'], waitMs: 10_000, intervalMs: 300_000 },
};

describe('the group of an alert', () => {
  const labels = { alertname: 'Down', namespace: 'shop', severity: 'page', pod: 'web-1' };

  test('is what the labels of its Source say, of that Source and its Workflow', () => {
    const group = groupOf(source, labels);
    expect(group?.labels).toEqual({ namespace: 'shop', severity: 'page' });
    expect(groupOf(source, { ...labels, pod: 'web-2', alertname: 'Slow' })?.id).toBe(group?.id);
    const others = [
      groupOf(source, { ...labels, namespace: 'bank' }),
      groupOf({ ...source, name: 'other' }, labels),
      groupOf({ ...source, namespace: 'other' }, labels),
      groupOf({ ...source, triggerWorkflow: 'other' }, labels),
      groupOf({ ...source, grouping: { ...source.grouping, labels: ['namespace'] } }, labels),
      // No value can pretend to be another label.
      groupOf(source, { namespace: 'shop","severity","page', severity: '' }),
    ];
    expect(new Set([group, ...others].map((one) => one?.id)).size).toBe(7);
  });

  test('has an empty value for a label that is missing; an alert that has none of them is no group', () => {
    expect(groupOf(source, { namespace: 'shop' })?.id).toBe(groupOf(source, { namespace: 'shop', severity: '' })?.id);
    expect(groupOf(source, { pod: 'web-1' })).toBeNull();
    expect(groupOf(source, Object.create({ namespace: 'shop' }) as Record<string, string>)).toBeNull();
    expect(groupOf({ ...source, grouping: null }, labels)).toBeNull();
  });

  test('is shown with values of a bounded length', () => {
    expect(quotedLabels({ a: 'x'.repeat(1000), b: '"' })).toBe(`a="${'x'.repeat(99)}…", b="\\""`);
  });
});

describe('the newest run of a group', () => {
  const run: GroupRun = {
    id: 'r1',
    status: 'pending',
    waitingFor: 'timer',
    wakeAt: addMs(noon, 10_000),
    cancelRequestedAt: null,
    startedAt: null,
    createdAt: noon,
  };
  const began = { ...run, status: 'running', startedAt: addMs(noon, 10_000) } as const;
  const ended = { ...began, status: 'succeeded' } as const;
  const answering = (of: GroupRun, afterMs: number) => answeringRun(of, source.grouping, noonMs + afterMs);

  test('takes alerts until it begins, and is waited for until it has ended and the interval is over', () => {
    expect(answering(run, 1000)).toMatchObject({ joins: true, isAtWork: true, untilMs: noonMs + 300_000 });
    expect(answering(began, 11_000)).toMatchObject({ joins: false, isAtWork: true, untilMs: noonMs + 300_000 });
    expect(answering(began, 400_000)).toMatchObject({ joins: false, untilMs: noonMs + 700_000 });
    expect(answering(ended, 299_999)).toMatchObject({ joins: false, isAtWork: false, untilMs: noonMs + 300_000 });
    expect(answering(ended, 300_000)).toBeNull();
  });

  test('takes none once it was asked to stop, or was born failed', () => {
    expect(answering({ ...run, cancelRequestedAt: noon }, 1000)).toMatchObject({ joins: false });
    expect(answering({ ...run, status: 'failed' }, 1000)).toMatchObject({ joins: false, isAtWork: false });
  });

  test('that is of a time to come keeps nobody waiting: the clock was put back', () => {
    expect(answering(ended, -3_600_000)).toBeNull();
    expect(answering(ended, -1000)).not.toBeNull();
  });

  test('is the one that the transaction made itself', () => {
    const group = groupOf(source, { namespace: 'shop' });
    const groups = createGroupRuns(new Map([[group?.id ?? '', { newest: 'r0', run: { ...ended, id: 'r0' } }]]));
    const laterMs = noonMs + 400_000;
    expect(groups.answering(source, group, laterMs)).toBeNull();
    if (group !== null) groups.start(group, { ...run, createdAt: addMs(noon, 400_000) } as never);
    expect(groups.answering(source, group, laterMs)?.run).toMatchObject({ id: 'r1', joins: true });
    expect(groups.answering(source, null, laterMs)).toBeNull();
  });
});
