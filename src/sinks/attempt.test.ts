import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { deliveryFixture, sinkFixture } from '../../test/support/deliveries.ts';
import { noRuns } from '../../test/support/outbox.ts';
import { attemptDelivery, attemptLimitMs } from './attempt.ts';
import type { SinkIo } from './define.ts';
import { nothingKnown } from './known.ts';
import { stdout } from './stdout.ts';

const sink = sinkFixture();

/** An attempt with a backend that never answers, whatever it is told. */
function attempt(signal: AbortSignal) {
  const clock = createFakeClock();
  const begun: SinkIo[] = [];
  const deliver = (io: SinkIo) => {
    begun.push(io);
    return new Promise<never>(() => undefined);
  };
  const options = {
    clock,
    http: { send: () => expect.fail('it sent') },
    connect: () => expect.fail('it connected'),
    secrets: { get: () => null },
    childRuns: noRuns,
    writeStdout: () => Promise.resolve(),
    dataFolder: '/nowhere',
    eventsOf: () => null,
  };
  const result = attemptDelivery(
    options,
    {
      sink,
      backend: { ...stdout, deliver },
      delivery: deliveryFixture(),
      payload: {},
      fields: {},
      known: nothingKnown,
      othersFireAt: () => Promise.resolve(false),
    },
    signal,
  );
  return { clock, begun, result };
}

test('an attempt that is stopped answers at once, also where the backend does not', async () => {
  const stop = new AbortController();
  const { clock, begun, result } = attempt(stop.signal);
  await clock.advance(1);
  expect(begun).toHaveLength(1);
  stop.abort();
  const answer = await Promise.race([result, new Promise((resolve) => setImmediate(resolve, 'none'))]);
  expect(answer).toEqual({ ok: false, retry: true, reason: 'stopped', ambiguous: true });
  expect(begun[0]?.signal.aborted).toBe(true);
  expect(clock.sleeping()).toBe(0);
});

test('an attempt after the stop sends nothing, which is certain', async () => {
  const { begun, result } = attempt(AbortSignal.abort());
  expect(await result).toEqual({ ok: false, retry: true, reason: 'stopped before anything was sent' });
  expect(begun).toEqual([]);
});

test('the time of an attempt is for all its requests together', async () => {
  const stop = new AbortController();
  const { clock, begun, result } = attempt(stop.signal);
  await clock.advance(1);
  const [io] = begun;
  const first = io?.timeoutMs ?? 0;
  await clock.advance(4000);
  expect(first - (io?.timeoutMs ?? 0)).toBe(4000);
  await clock.advance(7000);
  expect(io?.timeoutMs).toBe(1);
  stop.abort();
  await result;
});

test('an attempt ends at its limit, and the backend is told', async () => {
  const { clock, begun, result } = attempt(new AbortController().signal);
  await clock.advance(attemptLimitMs);
  expect(await result).toMatchObject({ ok: false, retry: true, ambiguous: true, reason: 'no result within 12 s' });
  expect(begun[0]?.signal.aborted).toBe(true);
});
