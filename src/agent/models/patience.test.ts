import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { ModelFailure } from './model.ts';
import type { Model, ModelAnswer, ModelRequest, Price } from './model.ts';
import { createPatientModel, pauseBefore, usualPatience } from './patience.ts';
import { createModelSlots } from './slots.ts';

const answer: ModelAnswer = {
  message: { role: 'assistant', text: 'done', calls: [], raw: null },
  finish: 'stop',
  usage: null,
};
const price: Price = { input: 2, cacheRead: 0.2, cacheWrite: 2.5, output: 10 };

function fail(reason: ModelFailure['reason'], retryAfterMs: number | null = null): ModelFailure {
  return new ModelFailure(reason, reason, { retryAfterMs });
}

/** A model that fails so often in these ways, then answers. */
function failing(name: string, ...failures: readonly ModelFailure[]): Model & { readonly asked: () => number } {
  let asked = 0;
  return {
    name,
    contextTokens: 100_000,
    price,
    place: { name, slots: 1 },
    asked: () => asked,
    async ask({ signal }) {
      signal.throwIfAborted();
      const failure = failures[asked];
      asked += 1;
      if (failure !== undefined) throw failure;
      return answer;
    },
  };
}

function world(...models: readonly [Model, ...Model[]]) {
  const clock = createFakeClock();
  const aborter = new AbortController();
  const told: string[] = [];
  const slots = createModelSlots();
  const patient = createPatientModel({ models, slots, clock, random: () => 0.5 });
  const request: ModelRequest = {
    messages: [],
    tools: [],
    schema: null,
    maxOutputTokens: 100,
    timeoutMs: 1000,
    signal: aborter.signal,
  };
  const ask = (goOn = true) =>
    patient.ask(request, async ({ reason }, { model, isLast }) => {
      told.push(`${clock.monotonic()} ${model} ${reason}${isLast ? ', the last' : ''}`);
      return goOn;
    });
  return { clock, aborter, told, slots, patient, ask };
}

/** All of it in time. */
async function settled<T>(clock: ReturnType<typeof createFakeClock>, asked: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const end = (): void => void (state.isOver = true);
  asked.then(end, end);
  while (!state.isOver) await clock.advance(500);
  return asked;
}

describe('pauses', () => {
  const decide = (failure: ModelFailure, attempt = 1, leftMs = 180_000, random = 0.5) =>
    pauseBefore(failure, attempt, leftMs, usualPatience, random);

  test('double under full jitter', () => {
    const overloaded = fail('Overloaded');
    expect([1, 2, 3, 4].map((attempt) => decide(overloaded, attempt))).toEqual([500, 1000, 2000, 4000]);
    expect(decide(overloaded, 1, 180_000, 0)).toBe(0);
    expect(decide(overloaded, 4, 180_000, 1)).toBe(8000);
    const many = { ...usualPatience, tries: 100 };
    expect(pauseBefore(overloaded, 40, 180_000, many, 1)).toBe(usualPatience.mostMs);
  });

  test('are never shorter than the provider asks', () => {
    expect(decide(fail('RateLimited', 20_000), 1, 180_000, 0)).toBe(20_000);
    expect(decide(fail('RateLimited', 20_000))).toBe(20_500);
  });

  test('end with the tries, with the patience, and with what does not pass', () => {
    expect(decide(fail('Overloaded'), 5)).toBeNull();
    expect(decide(fail('RateLimited', 3_600_000))).toBeNull();
    expect(decide(fail('Overloaded'), 4, 3999)).toBeNull();
    expect(decide(fail('BrokenAnswer'), 2)).toBeNull();
    for (const reason of ['QuotaExhausted', 'Unauthorized', 'ContextTooLong', 'BadRequest', 'ModelNotFound'] as const)
      expect(decide(fail(reason))).toBeNull();
  });
});

describe('one model', () => {
  test('is asked again until it answers, and each failure is told before', async () => {
    const model = failing('a', fail('Overloaded'), fail('RateLimited', 7000), fail('ServerError'));
    const { clock, told, ask } = world(model);
    const { model: said, price: paid } = await settled(clock, ask());
    expect(said).toBe('a');
    expect(paid).toBe(price);
    expect(told).toEqual(['0 a Overloaded', '500 a RateLimited', '8500 a ServerError']);
  });

  test('fails at once where it is of no use, and says that it is the last', async () => {
    const model = failing('a', fail('QuotaExhausted'));
    const { clock, told, ask } = world(model);
    await expect(settled(clock, ask())).rejects.toMatchObject({ reason: 'QuotaExhausted' });
    expect(told).toEqual(['0 a QuotaExhausted, the last']);
    expect(model.asked()).toBe(1);
  });

  test('is not asked again where the caller does not go on', async () => {
    const model = failing('a', fail('Overloaded'), fail('Overloaded'));
    const { clock, ask } = world(model);
    await expect(settled(clock, ask(false))).rejects.toMatchObject({ reason: 'Overloaded' });
    expect(model.asked()).toBe(1);
  });

  test('is given up after so many tries', async () => {
    const model = failing('a', ...Array.from({ length: 9 }, () => fail('ServerError')));
    const { clock, told, ask } = world(model);
    await expect(settled(clock, ask())).rejects.toMatchObject({ reason: 'ServerError' });
    expect(told.at(-1)).toBe('7500 a ServerError, the last');
    expect(model.asked()).toBe(usualPatience.tries);
  });

  test('what is no failure of a model is thrown as it is', async () => {
    const broken = { ...failing('a'), ask: () => Promise.reject(new TypeError('a defect')) };
    await expect(world(broken).ask()).rejects.toThrow('a defect');
  });
});

describe('the wait', () => {
  test('ends with the signal, with its reason', async () => {
    const { clock, aborter, ask } = world(failing('a', fail('RateLimited', 60_000)));
    const asked = ask().catch((thrown: unknown) => thrown);
    await clock.advance(1000);
    aborter.abort(new Error('stopped'));
    expect(await asked).toEqual(new Error('stopped'));
    expect(clock.sleeping()).toBe(0);
  });

  test('holds no slot', async () => {
    const model = failing('a', fail('RateLimited', 60_000));
    const { clock, slots, ask } = world(model);
    const asked = ask();
    await clock.advance(1000);
    const giveBack = await slots.take(model.place, new AbortController().signal);
    await clock.advance(120_000);
    expect(model.asked()).toBe(1);
    giveBack();
    await settled(clock, asked);
    expect(model.asked()).toBe(2);
  });
});

describe('fallbacks', () => {
  test('are asked after a failure for good, and once they answer the first is not asked again', async () => {
    const first = failing('a', fail('Unauthorized'));
    const second = failing('b', fail('Overloaded'));
    const { clock, told, ask } = world(first, second);
    expect((await settled(clock, ask())).model).toBe('b');
    expect((await settled(clock, ask())).model).toBe('b');
    expect(told).toEqual(['0 a Unauthorized', '0 b Overloaded']);
    expect([first.asked(), second.asked()]).toEqual([1, 3]);
  });

  test('the last one says so', async () => {
    const { clock, told, ask } = world(failing('a', fail('QuotaExhausted')), failing('b', fail('ModelNotFound')));
    await expect(settled(clock, ask())).rejects.toMatchObject({ reason: 'ModelNotFound' });
    expect(told).toEqual(['0 a QuotaExhausted', '0 b ModelNotFound, the last']);
  });

  test('are not asked what is too long', async () => {
    const second = failing('b');
    const { clock, told, ask } = world(failing('a', fail('ContextTooLong')), second);
    await expect(settled(clock, ask())).rejects.toMatchObject({ reason: 'ContextTooLong' });
    expect(told).toEqual(['0 a ContextTooLong, the last']);
    expect(second.asked()).toBe(0);
  });
});

test('together they are as small as the smallest and as dear as the dearest', () => {
  const large = { ...failing('a'), price: { input: 1, cacheRead: 0.5, cacheWrite: 1, output: 20 } };
  const small = { ...failing('b'), contextTokens: 8192 };
  expect(world(large, small).patient).toMatchObject({
    name: 'a',
    contextTokens: 8192,
    price: { input: 2, cacheRead: 0.5, cacheWrite: 2.5, output: 20 },
  });
  expect(world(large, { ...small, price: null }).patient.price).toBeNull();
  const tiered = { ...price, beyond: { inputTokens: 1000, rates: { ...price, input: 4 } } };
  expect(world({ ...large, price: tiered }).patient.price).toBe(tiered);
  expect(world({ ...large, price: tiered }, small).patient.price?.input).toBe(4);
});
