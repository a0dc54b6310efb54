import { describe, expect, test } from 'vitest';
import type { CatalogObject, Condition } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import { addressesIn } from './addresses.ts';
import { statusOf } from './status.ts';
import type { StoredCondition } from './status.ts';

const now = '2026-03-01T10:00:00.000Z' as Timestamp;
const earlier = '2026-02-01T10:00:00Z' as Timestamp;

function compiled(...conditions: readonly Condition[]): CatalogObject {
  const ready = conditions.find(({ type }) => type === 'Ready')?.status === 'True';
  return { namespace: 'shop', name: 'one', type: 'webhook', ready, conditions, origin: '' };
}
function object(status?: object, generation = 3): KubernetesObject {
  const metadata = { name: 'one', namespace: 'shop', generation };
  return { metadata, ...(status === undefined ? {} : { status: status as never }) };
}
const accepted: Condition = { type: 'Ready', status: 'True', reason: 'Accepted', message: 'it is in use' };
const refused = (reason: string): Condition => ({
  type: 'Ready',
  status: 'False',
  reason,
  message: `because ${reason}`,
});
const conditionsOf = (status: object) => (status as { conditions: readonly StoredCondition[] }).conditions;

describe('conditions', () => {
  test('a condition that has not changed keeps its time, and is about the new generation', () => {
    const before = { conditions: [{ ...accepted, lastTransitionTime: earlier, observedGeneration: 2 }] };
    expect(conditionsOf(statusOf(object(before), compiled(accepted), {}, now))).toEqual([
      { ...accepted, lastTransitionTime: earlier, observedGeneration: 3 },
    ]);
  });

  test('one that has changed has the time of now', () => {
    const before = { conditions: [{ ...accepted, lastTransitionTime: earlier, observedGeneration: 2 }] };
    const [ready] = conditionsOf(statusOf(object(before), compiled(refused('WorkflowNotFound')), {}, now));
    expect(ready).toMatchObject({ status: 'False', lastTransitionTime: now });
  });

  test.each([
    ['InvalidSpec', true],
    ['PathConflict', true],
    ['AuthenticationRequired', true],
    ['TlsRequired', true],
    // Somebody else has to grant it, or to list the account.
    ['ReferenceNotGranted', true],
    ['AccountNotAllowed', true],
    // These end when somebody makes the other object.
    ['WorkflowNotFound', false],
    ['WorkflowNotReady', false],
  ])('%s: stalled %s', (reason, isStalled) => {
    const types = conditionsOf(statusOf(object(), compiled(refused(reason)), {}, now)).map(({ type }) => type);
    expect(types.slice(1)).toEqual([isStalled ? 'Stalled' : 'Reconciling']);
  });

  test('one that is granted what it lacked is in use, and no longer stalled', () => {
    const refusedStatus = statusOf(object(), compiled(refused('ReferenceNotGranted')), {}, earlier);
    const types = conditionsOf(statusOf(object(refusedStatus), compiled(accepted), {}, now)).map(({ type }) => type);
    expect(types).toEqual(['Ready']);
  });

  test('what was learned stands behind what is declared', () => {
    const learned: Condition = {
      type: 'ModelsChecked',
      status: 'Unknown',
      reason: 'NotChecked',
      message: 'nobody has',
    };
    const all = conditionsOf(statusOf(object(), compiled(accepted), { conditions: [learned] }, now));
    expect(all.map(({ type, reason }) => `${type} ${reason}`)).toEqual(['Ready Accepted', 'ModelsChecked NotChecked']);
  });

  test('two of one type are one, because the list is a map by type', () => {
    const missing = (name: string): Condition => ({
      type: 'SecretsResolved',
      status: 'False',
      reason: 'SecretMissing',
      message: `there is no Secret ${name}`,
    });
    const all = conditionsOf(statusOf(object(), compiled(accepted, missing('a'), missing('b')), {}, now));
    expect(all.map(({ type }) => type)).toEqual(['Ready', 'SecretsResolved']);
    expect(all[1]?.message).toBe('there is no Secret a; there is no Secret b');
  });

  test('a message that an API server would refuse is cut', () => {
    const [ready] = conditionsOf(statusOf(object(), compiled({ ...accepted, message: 'x'.repeat(40_000) }), {}, now));
    expect(ready?.message.length).toBeLessThanOrEqual(32_768);
  });
});

describe('what happened', () => {
  test('a Source tells its traffic, a Sink its deliveries; what never was is absent', () => {
    const source = { eventsProcessed: 4, lastEventTime: earlier, lastProblem: null, waiting: 0 };
    expect(statusOf(object(), compiled(accepted), { source }, now)).toMatchObject({
      eventsProcessed: 4,
      lastEventTime: earlier,
    });
    const addresses = ['/webhook/@shop/am', '/webhook/am'];
    const served = statusOf(object(), { ...compiled(accepted), addresses }, {}, now);
    expect(addressesIn({ status: served })).toEqual(addresses);
    expect(addressesIn({ status: { addresses: 'x' } })).toEqual([]);
    expect(addressesIn({})).toEqual([]);
    const sink = { messagesSent: 0, lastSentTime: null, lastError: null };
    const status = statusOf(object(), compiled(accepted), { sink }, now);
    expect(status).toMatchObject({ messagesSent: 0 });
    expect(status).not.toHaveProperty('lastSentTime');
    expect(status).not.toHaveProperty('lastError');
  });

  test('a Workflow tells its newest run: the last attempt of each step, what is long in short', () => {
    const step = (path: string, attempt: number, status: string, result: object) =>
      ({
        name: `step-${path}`,
        path,
        attempt,
        status,
        result,
        error: null,
        startedAt: earlier,
        completedAt: now,
      }) as unknown as StepRecord;
    const run = {
      id: 'run-1',
      status: 'succeeded',
      startedAt: earlier,
      completedAt: now,
      error: null,
      outputs: { found: 'the disk is full', many: { a: 1 } },
      input: { alert: { name: 'DiskFull' } },
    } as unknown as RunRecord;
    const long = { summary: 'the disk is full', report: 'x'.repeat(100_000) };
    const steps = [
      step('1', 1, 'failed', {}),
      step('1', 2, 'succeeded', { small: true }),
      step('2', 1, 'succeeded', long),
    ];
    const status = statusOf(object(), compiled(accepted), { newestRun: { run, steps } }, now);
    expect(status).toMatchObject({
      phase: 'Succeeded',
      startTime: earlier,
      completionTime: now,
      steps: [
        { name: 'step-1', phase: 'Succeeded', result: { small: true } },
        { name: 'step-2', phase: 'Succeeded', result: { summary: 'the disk is full', truncated: true } },
      ],
      outputs: { found: 'the disk is full', many: '{"a":1}' },
      lastRun: { id: 'run-1', phase: 'Succeeded', alert: 'DiskFull', summary: 'the disk is full' },
    });
    expect(JSON.stringify(status).length).toBeLessThan(3000);
  });
});
