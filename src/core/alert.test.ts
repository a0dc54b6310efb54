import { expect, test } from 'vitest';
import { causeOf, labelledObject } from './alert.ts';

test.each([
  [{ namespace: 'shop', deployment: 'web', pod: 'kube-state-metrics-0' }, 'shop/web'],
  [{ namespace: 'shop', pod: 'web-0' }, 'shop/web-0'],
  [{ node: 'node-1', instance: '10.0.0.1:9100' }, 'node-1'],
  [{ namespace: 'shop' }, 'shop'],
  [{ alertname: 'Watchdog' }, ''],
])('%j is about %s', (labels, object) => {
  expect(labelledObject(labels)).toBe(object);
});

const opened = '2026-03-01T10:00:00.000Z';
const neverBegan = {
  status: 'escalated',
  receivedAt: opened,
  triageStartedAt: null,
  triageCompletedAt: null,
  mutedReason: null,
  workflowId: 'r1',
  cause: null,
} as const;

test.each([
  ['whose run ended before it began', {}, { cause: null, causeState: 'failed' }],
  ['whose run is due', { status: 'received' }, { cause: null, causeState: 'waiting' }],
  ['that nothing investigates', { workflowId: null }, { cause: null, causeState: 'none' }],
  ['that was explained an episode before', { cause: 'OOMKilled' }, { cause: 'OOMKilled', causeState: 'earlier' }],
  ['that is over', { status: 'resolved' }, { cause: null, causeState: 'none' }],
] as const)('the cause of an alert %s', (_, changes, expected) => {
  expect(causeOf({ ...neverBegan, ...changes })).toEqual(expected);
});
