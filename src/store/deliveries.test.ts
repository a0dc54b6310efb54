import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveryRecord } from '../core/delivery.ts';
import { createDeliveryReader, createDeliveryStore } from './deliveries.ts';
import type { Hints } from './hints.ts';
import { openDatabase } from './sqlite/open.ts';
import type { Connection } from './sqlite/open.ts';

const created = '2026-01-01T00:00:00.000Z';
const later = '2026-01-01T00:00:30.000Z';
const muchLater = '2026-01-01T00:01:00.000Z';

let connection: Connection;
let hints: Hints;
beforeEach(() => {
  connection = openDatabase(':memory:');
  hints = { runs: false, deliveries: false };
});
afterEach(() => connection.close());

function delivery(changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id: 'd1',
    namespace: 'default',
    runId: null,
    alertId: null,
    event: 'run-finished',
    sinkName: 'out',
    sinkType: '',
    data: { episode: 1 },
    payload: null,
    status: 'pending',
    attempts: 0,
    error: null,
    errorCode: null,
    ambiguous: false,
    idempotencyKey: changes.id ?? 'd1',
    reference: null,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: created,
    sentAt: null,
    createdAt: created,
    ...changes,
  };
}

function stores() {
  return { reader: createDeliveryReader(connection.query), writer: createDeliveryStore(connection.query, hints) };
}

describe('deliveries', () => {
  test('a row comes back as it went in, and the commit announces it', async () => {
    const { reader, writer } = stores();
    await writer.insert([]);
    expect(hints.deliveries).toBe(false);
    const full = delivery({ payload: 'text "quoted"', ambiguous: true, reference: 'r', sentAt: later, status: 'sent' });
    await writer.insert([full, delivery({ id: 'd2', payload: { a: [1, null] } })]);
    expect(hints.deliveries).toBe(true);
    expect(await reader.find('d1')).toEqual(full);
    expect((await reader.find('d2'))?.payload).toEqual({ a: [1, null] });
    expect(await reader.find('absent')).toBeUndefined();
  });

  test('the same announcement is kept once', async () => {
    const { reader, writer } = stores();
    await writer.insert([delivery()]);
    await writer.insert([delivery({ id: 'd9', idempotencyKey: 'd1' })]);
    expect(await reader.find('d9')).toBeUndefined();
  });

  test('due rows come oldest first; final ones and later ones do not', async () => {
    const { reader, writer } = stores();
    await writer.insert([
      delivery({ id: 'late', wakeAt: later }),
      delivery({ id: 'now', wakeAt: created }),
      delivery({ id: 'done', status: 'sent', wakeAt: null }),
    ]);
    expect(await reader.due(created, 10)).toEqual(['now']);
    expect(await reader.due(muchLater, 10)).toEqual(['now', 'late']);
    expect(await reader.due(muchLater, 1)).toEqual(['now']);
    expect(await reader.nextWakeAt()).toBe(created);
  });

  test('one claimer wins, with a higher fence; the lease keeps others out until it ends', async () => {
    const { writer } = stores();
    await writer.insert([delivery()]);
    const first = await writer.claim('d1', 'one', created, later);
    expect(first).toMatchObject({ fence: 1, attempts: 1, leaseOwner: 'one', ambiguous: false });
    expect(await writer.claim('d1', 'two', created, later)).toBeUndefined();
    const second = await writer.claim('d1', 'two', later, muchLater);
    expect(second).toMatchObject({ fence: 2, attempts: 2, leaseOwner: 'two', ambiguous: true });
    expect(await writer.finish('d1', 1, { status: 'sent' })).toBe(false);
    expect(await writer.finish('d1', 2, { status: 'sent', sentAt: later })).toBe(true);
    expect(await writer.claim('d1', 'three', muchLater, muchLater)).toBeUndefined();
  });

  test('a lease that was given back does not make the next attempt ambiguous', async () => {
    const { writer } = stores();
    await writer.insert([delivery()]);
    await writer.claim('d1', 'one', created, later);
    await writer.finish('d1', 1, { error: 'no', leaseOwner: null, leaseUntil: null, wakeAt: created });
    expect(await writer.claim('d1', 'one', created, later)).toMatchObject({ attempts: 2, ambiguous: false });
  });

  test('after a crash leased rows are due at once, and their last attempt is of unknown result', async () => {
    const { reader, writer } = stores();
    await writer.insert([delivery(), delivery({ id: 'd2', wakeAt: muchLater })]);
    await writer.claim('d1', 'one', created, muchLater);
    hints.deliveries = false;
    expect(await writer.releaseLeases(later)).toBe(1);
    expect(hints.deliveries).toBe(true);
    expect(await reader.due(later, 10)).toEqual(['d1']);
    expect(await writer.claim('d1', 'two', later, muchLater)).toMatchObject({ fence: 2, ambiguous: true });
    expect(await writer.releaseLeases(later)).toBe(1);
  });

  test('sent and failed deliveries are counted for the Sink', async () => {
    const { writer } = stores();
    await writer.insert([delivery(), delivery({ id: 'd2' }), delivery({ id: 'd3' })]);
    const activity = () => connection.query.selectFrom('resource_activity').selectAll().execute();
    await writer.finish('d1', 0, { status: 'sent', sentAt: later });
    await writer.finish('d2', 0, { status: 'skipped' });
    await writer.finish('d3', 0, { status: 'failed', error: 'refused' });
    expect(await activity()).toEqual([
      { kind: 'Sink', namespace: 'default', name: 'out', processed: 1, last_at: later, last_error: 'refused' },
    ]);
    await writer.insert([delivery({ id: 'd4' })]);
    await writer.finish('d4', 0, { status: 'sent', sentAt: muchLater });
    expect(await activity()).toMatchObject([{ processed: 2, last_at: muchLater, last_error: null }]);
  });
});
