import { describe, expect, test } from 'vitest';
import { createdAt, deliveryFixture } from '../../test/support/deliveries.ts';
import { timeText } from '../core/time.ts';
import { deliveryState, deliveryText } from './delivery-text.ts';

const view = { colour: false, evidence: false, nowMs: 0 };

describe('describe delivery/ID', () => {
  test('a failed one says why, and what to do next', () => {
    const text = deliveryText(
      deliveryFixture({
        status: 'failed',
        sinkType: 'webhook',
        attempts: 10,
        error: 'gave up after 10 attempts: hooks.example answered 500 \u001b[31m',
        errorCode: 'DeliveryFailed',
        ambiguous: true,
        wakeAt: null,
        payload: { text: 'a\u001b[2Jb' },
        retriedAt: createdAt,
      }),
      view,
    );
    expect(text).toContain('Sink       shop/out (webhook)\n');
    expect(text).toContain('Of         run/r1, alert/a1\n');
    expect(text).toContain('Status     failed (ambiguous), 10 attempts\n');
    expect(text).toContain('Error      DeliveryFailed: gave up after 10 attempts: hooks.example answered 500');
    expect(text).toContain(`Retried    ${timeText(createdAt)}\n`);
    expect(text).toContain('Ambiguous  ');
    expect(text).toContain('Next       fist retry delivery/d1, once the reason is gone\n');
    expect(text).not.toContain('\u001b');
  });

  test('one that waits to be tried again names its Sink; one that was sent needs nothing', () => {
    const waiting = deliveryFixture({
      attempts: 1,
      error: 'e',
      errorCode: 'DeliveryFailed',
      runId: null,
      alertId: null,
    });
    expect(deliveryText(waiting, view)).toContain('Next       fist describe sink/shop/out\n');
    expect(deliveryText(waiting, view)).toContain('Of         -\n');
    expect(deliveryText(waiting, view)).toContain('Status     pending, 1 attempt\n');
    expect(deliveryText(deliveryFixture({ status: 'sent', wakeAt: null }), view)).not.toMatch(
      /^(?:Next|Error|Ambiguous)/m,
    );
  });

  test('a skipped one has a reason, a cancelled one an error', () => {
    const skipped = deliveryFixture({ status: 'skipped', error: 'the condition is false', wakeAt: null });
    expect(deliveryText(skipped, view)).toContain('Reason     the condition is false\n');
    expect(deliveryText({ ...skipped, errorCode: 'Cancelled' }, view)).toContain('Error      Cancelled: the condition');
  });

  test.each([
    [{ waitingFor: 'order' } as const, 'pending (waits for order)'],
    [{ waitingFor: 'place', ambiguous: true } as const, 'pending (waits for place) (ambiguous)'],
    [{ status: 'skipped' } as const, 'skipped'],
  ])('%j is %s', (changes, state) => {
    expect(deliveryState(deliveryFixture(changes))).toBe(state);
  });
});
