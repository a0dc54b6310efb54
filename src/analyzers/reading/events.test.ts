import { expect, test } from 'vitest';
import { eventView, isAbout } from './events.ts';

const times = { first: '2026-01-01T10:00:00.000Z', last: '2026-01-01T11:59:00.000Z' };
const about = { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u1' };

test.each([
  [
    'core/v1',
    {
      involvedObject: about,
      message: 'no',
      count: 90,
      firstTimestamp: '2026-01-01T10:00:00Z',
      lastTimestamp: '2026-01-01T11:59:00Z',
      eventTime: null,
    },
  ],
  [
    'core/v1 with a series',
    {
      involvedObject: about,
      message: 'no',
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: '2026-01-01T10:00:00.000000Z',
      series: { count: 90, lastObservedTime: '2026-01-01T11:59:00.000000Z' },
    },
  ],
  [
    'events.k8s.io/v1 of an event that core/v1 wrote',
    {
      regarding: about,
      note: 'no',
      deprecatedCount: 90,
      deprecatedFirstTimestamp: '2026-01-01T10:00:00Z',
      deprecatedLastTimestamp: '2026-01-01T11:59:00Z',
      eventTime: null,
    },
  ],
])('%s tells the same', (_, parts) => {
  const event = {
    metadata: { name: 'e', creationTimestamp: '2026-01-01T10:00:00Z' },
    type: 'Warning',
    reason: 'FailedMount',
    ...parts,
  };
  expect(eventView(event)).toEqual({
    type: 'Warning',
    reason: 'FailedMount',
    message: 'no',
    container: '',
    count: 90,
    ...times,
  });
  expect(isAbout(event, 'pod', 'web-1', 'u1')).toBe(true);
  expect(isAbout(event, 'pod', 'web-1', 'another')).toBe(false);
});
