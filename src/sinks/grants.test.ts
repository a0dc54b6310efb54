import { describe, expect, test } from 'vitest';
import type { Catalog } from '../core/catalog.ts';
import type { Control } from '../core/ports.ts';
import { silentLog } from '../lib/silent-log.ts';
import { createControl } from '../workflows/control.ts';
import { contractStores } from '../../test/contract/stores.ts';
import { outboxOn, webhookSink } from '../../test/support/outbox.ts';

// Deliveries of a Workflow of namespace bank to a Sink of namespace shop.

describe.each(contractStores)('a Sink of another namespace, on $name', (database) => {
  const on = outboxOn(database);
  const data = { workflowNamespace: 'bank' };
  const words =
    'there is no Sink shop/out that grants namespace bank; who owns Sinks of namespace shop grants it with spec.accessFrom: {namespaces: [bank]}';

  test.each([['bank'], ['*']])('that grants it is told: %s', async (granted) => {
    on.sinks = [{ ...webhookSink, accessFrom: [granted] }];
    await on.insert({ data });
    expect(await on.handle()).toMatchObject({ status: 'sent' });
  });

  test('that grants it no more is told nothing until it does again, as one that is gone', async () => {
    await on.insert({ data });
    const waiting = { status: 'pending', errorCode: 'SinkNotReady', error: words, sinkType: '' };
    expect(await on.handle()).toMatchObject(waiting);
    on.sinks = [];
    await on.clock.advance(3_600_000);
    expect(await on.handle()).toMatchObject(waiting);
    on.sinks = [{ ...webhookSink, accessFrom: ['other'] }];
    await on.clock.advance(3_600_000);
    expect(await on.handle()).toMatchObject({ ...waiting, attempts: 3 });
    expect(on.requests).toEqual([]);
    on.sinks = [{ ...webhookSink, accessFrom: ['bank'] }];
    await on.clock.advance(3_600_000);
    expect(await on.handle()).toMatchObject({ status: 'sent', attempts: 4 });
    expect(on.requests).toHaveLength(1);
  });

  test('that refused it when it was written fails it at once, whatever it grants by now', async () => {
    on.sinks = [{ ...webhookSink, accessFrom: ['bank'] }];
    await on.insert({ namespace: 'bank', sinkName: 'shop/out' });
    expect(await on.handle()).toMatchObject({
      status: 'failed',
      errorCode: 'SinkNotReady',
      error: expect.stringContaining('Sink shop/out grants namespace bank by now, and did not') as string,
      attempts: 1,
    });
    expect(on.requests).toEqual([]);
  });

  const retried = [
    ['alone', (control: Control) => control.retryDelivery('d1')],
    ['with all that were refused', (control: Control) => control.retryDeliveries('bank', 'shop/out')],
  ] as const;
  test.each(retried)('that grants it by now is told when a person retries it: %s', async (_how, retry) => {
    const catalog = {
      current: () =>
        ({
          sink: (namespace: string, name: string) =>
            on.sinks.find((one) => one.namespace === namespace && one.name === name),
        }) as Catalog,
    };
    const { store, clock } = on;
    const metrics = { increment: () => undefined };
    const control = createControl({ store, clock, catalog, metrics, log: silentLog });
    on.sinks = [];
    await on.insert({ namespace: 'bank', sinkName: 'shop/out', incident: 'cause' });
    expect(await on.handle()).toMatchObject({ status: 'failed', error: words });
    await retry(control);
    expect(await on.handle()).toMatchObject({ status: 'failed', error: words, namespace: 'bank' });
    on.sinks = [{ ...webhookSink, accessFrom: ['bank'] }];
    await retry(control);
    // It is the Sink's as one that was granted from the beginning.
    const placed = { namespace: 'shop', sinkName: 'out', data: { workflowNamespace: 'bank' }, incident: 'bank cause' };
    expect(await on.row()).toMatchObject({ status: 'pending', ...placed });
    expect(await on.handle()).toMatchObject({ status: 'sent', attempts: 1, idempotencyKey: 'key-d1' });
    expect(on.requests).toHaveLength(1);
  });
});
