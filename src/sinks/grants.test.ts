import { describe, expect, test } from 'vitest';
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
    expect(await on.handle()).toMatchObject({ status: 'failed', errorCode: 'SinkNotReady', error: words, attempts: 1 });
    expect(on.requests).toEqual([]);
  });
});
