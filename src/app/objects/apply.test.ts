import { expect, test } from 'vitest';
import { inOrder, readinessOf } from './apply.ts';
import type { ObjectName } from './apply.ts';

const source: ObjectName = { kind: 'Source', namespace: 'shop', name: 'am' };

const object = (generation: number, ...conditions: readonly (readonly [string, string, number])[]) => ({
  metadata: { name: 'am', namespace: 'shop', generation },
  status: {
    conditions: conditions.map(([type, status, observedGeneration]) => ({
      type,
      status,
      reason: `${type}${status}`,
      message: 'why',
      observedGeneration,
    })),
  },
});

test('what is referred to comes first', () => {
  const named = (kind: ObjectName['kind']): ObjectName => ({ ...source, kind });
  expect(inOrder([named('Source'), named('Sink'), named('Workflow')]).map(({ kind }) => kind)).toEqual([
    'Sink',
    'Workflow',
    'Source',
  ]);
});

test('only what is said of this version counts', () => {
  expect(readinessOf(source, object(2, ['Ready', 'True', 1]))).toMatchObject({ isReady: false, reason: null });
  expect(readinessOf(source, object(2, ['Ready', 'True', 2]))).toMatchObject({ isReady: true, isStalled: false });
  expect(readinessOf(source, { metadata: { name: 'am' } })).toMatchObject({ isReady: false, reason: null });
});

test('what keeps a good version in use while a new one is broken is not ready', () => {
  const broken = object(2, ['Ready', 'True', 2], ['Stalled', 'True', 2]);
  expect(readinessOf(source, broken)).toMatchObject({ isReady: false, isStalled: true, reason: 'StalledTrue' });
});

test('what an account may is waited for until it was asked', () => {
  const unasked = object(2, ['Ready', 'True', 2], ['ClusterAccess', 'Unknown', 2]);
  expect(readinessOf(source, unasked)).toMatchObject({
    isReady: false,
    isStalled: false,
    reason: 'ClusterAccessUnknown',
  });
  const asked = object(2, ['Ready', 'True', 2], ['ClusterAccess', 'True', 2]);
  expect(readinessOf(source, asked)).toMatchObject({ isReady: true });
});

test('what is in use and lacks something is ready, and says what', () => {
  const lacks = object(2, ['Ready', 'True', 2], ['CommandsResolved', 'False', 2], ['SinksResolved', 'False', 1]);
  expect(readinessOf(source, lacks)).toMatchObject({ isReady: true, lacking: 'CommandsResolvedFalse, why' });
  expect(readinessOf(source, object(2, ['Ready', 'True', 2]))).toMatchObject({ lacking: null });
});
