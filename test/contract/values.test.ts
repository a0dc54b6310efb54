import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import type { StoreTransaction } from '../../src/core/store.ts';
import { newId } from '../../src/lib/id.ts';
import { deliveryFixture } from '../support/deliveries.ts';
import { alertRecord, planOf, runRecord, step } from '../support/engine.ts';
import { createRandom } from '../support/random.ts';
import { eventFixture, letterFixture } from '../support/rows.ts';
import { equalities } from '../support/matchers.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

// The same record goes into both databases, and the same comes back from both.

const now = '2026-01-01T00:00:00.000Z';
const random = createRandom(11);
/** Text that does not compress. */
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCodePoint(random.between(0x21, 0x7e))).join('');

const texts: Readonly<Record<string, string>> = {
  empty: '',
  quotes: `'"\\$1 ? :a @b -- /* */ %s`,
  lines: 'a\r\nb\tc\u0001\u007f\u2028',
  'four bytes': '😀𝒳\u{10FFFF}',
  combined: 'e\u0301 é ﷽ \u202eabc',
  'a NUL': 'a\0b',
  'half a pair': 'a\uD800b\uDC00',
  'a backslash and u0000': '\\u0000 \\\\u0000',
  'the bytes of JSON': '{"a":[1,null]}',
  'fifty thousand characters': noise(50_000),
};
/** What comes back: NUL and half pairs cannot be stored everywhere. */
const stored = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');

const times: Readonly<Record<string, string>> = {
  'without a fraction': '2026-07-01T12:30:45.000Z',
  'with a fraction': '2026-07-01T12:30:45.120Z',
  'the last millisecond of a second': '2026-12-31T23:59:59.999Z',
  'the first years': '0002-01-01T00:00:00.001Z',
  'before 1970': '1969-12-31T23:59:59.999Z',
  'the last years': '9999-12-31T23:59:59.999Z',
};

const json: Readonly<Record<string, JsonObject>> = {
  'a member __proto__': JSON.parse('{"__proto__":{"a":1},"constructor":"c"}') as JsonObject,
  numbers: { a: 0, b: -1.5, c: 1e21, d: 5e-324, e: 1.7976931348623157e308, f: 9_007_199_254_740_991, g: 0.1 },
  'members in an order': { z: 1, a: 2, 10: 3, 9: 4, '': 5 },
  'members with odd names': { 'a.b': 1, "'": 2, '\0': 3, '\uD800': 4, 名: 5 },
  nested: { a: [[], {}, [null, true, ['x']]], b: { c: { d: null } } },
  'every text': texts,
};

describe.each(contractStores)('values on $name', ({ open }) => {
  let opened: ContractStore;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());

  const write = <T>(work: (tx: StoreTransaction) => Promise<T>) => opened.store.transaction('intake', work);

  test.each(Object.entries(texts))('text: %s', async (_name, text) => {
    const alert = alertRecord(now, {
      name: text,
      summary: text,
      description: text,
      labels: { [`label ${text}`]: text },
      annotations: { text },
      generatorUrl: text,
      groupKey: text,
      externalId: text,
    });
    const event = eventFixture({ eventData: text });
    const letter = { ...letterFixture(text.slice(0, 1000)), body: text.slice(0, 60_000) };
    await write(async (tx) => {
      await tx.alerts.insertAll([alert]);
      await tx.events.insertAll([event]);
      await tx.events.addDeadLetters([letter]);
    });
    const { lists } = opened.store.read;
    const label = stored(`label ${text}`);
    expect(await lists.alert(alert.id)).toEqual({
      ...alert,
      name: stored(text),
      summary: stored(text),
      description: stored(text),
      labels: { [label]: stored(text) },
      annotations: { text: stored(text) },
      generatorUrl: stored(text),
      groupKey: stored(text),
      externalId: stored(text),
    });
    expect((await lists.event(event.id))?.eventData).toBe(stored(text));
    expect(await lists.deadLetter(letter.id)).toMatchObject({
      message: stored(letter.message),
      body: stored(letter.body),
    });
    const byName = await lists.alerts({ limit: 10, name: text });
    expect(byName.items.map(({ id }) => id)).toEqual([alert.id]);
    const byLabel = lists.alerts({ limit: 10, matchers: equalities({ [`label ${text}`]: text }) });
    expect((await byLabel).items.map(({ id }) => id)).toEqual([alert.id]);
  });

  test.each(Object.entries(times))('a time: %s', async (_name, at) => {
    const alert = alertRecord(at, { endsAt: at, mutedUntil: at, resolvedAt: at });
    await write((tx) => tx.alerts.insertAll([alert]));
    expect(await opened.store.read.lists.alert(alert.id)).toEqual(alert);
  });

  test.each(Object.entries(texts))('outputs that a run ends with: %s', async (_name, text) => {
    const plan = planOf([step('one')]);
    const run = runRecord(plan, now, { planHash: newId(), wakeAt: now });
    const end = { status: 'failed', stepsCompleted: 1, error: 'e', errorCode: 'Timeout', completedAt: now } as const;
    await write(async (tx) => {
      await tx.runs.insert({ run, plan });
      const fence = (await tx.runs.claim(run.id, 'worker', now, '2026-01-01T00:01:00.000Z'))?.fence ?? 0;
      await tx.runs.finish(run.id, fence, { ...end, outputs: { text } });
    });
    expect((await opened.store.read.runs.find(run.id))?.outputs).toEqual({ text: stored(text) });
  });

  test.each(Object.entries(json))('JSON: %s', async (_name, value) => {
    const expected = JSON.parse(
      JSON.stringify(value)
        .replaceAll(/(?<!\\)\\u(?:0000|d[89a-f]..)/g, '\uFFFD')
        .replaceAll('\\\\\uFFFD', '\\\\\\u0000'),
    ) as JsonObject;
    const plan = planOf([step('one', { config: value })]);
    const run = runRecord(plan, now, { planHash: newId(), outputs: value });
    const delivery = deliveryFixture({
      id: newId(),
      runId: run.id,
      idempotencyKey: newId(),
      data: value,
      payload: value,
    });
    const alert = alertRecord(now, { aiAnalysis: value });
    await write(async (tx) => {
      await tx.runs.insert({ run: { ...run, input: { ...run.input, context: value } }, plan });
      await tx.deliveries.insert([delivery]);
      await tx.alerts.insertAll([alert]);
    });
    const found = await opened.store.read.runs.find(run.id);
    expect(found?.outputs).toEqual(expected);
    // People see these in the order of their members.
    expect(JSON.stringify(found?.outputs)).toBe(JSON.stringify(expected));
    expect(JSON.stringify(found?.input.context)).toBe(JSON.stringify(expected));
    const readPlan = await opened.store.read.runs.plan(run.planHash ?? '');
    expect(JSON.stringify(readPlan?.steps[0]?.config)).toBe(JSON.stringify(expected));
    const read = await opened.store.read.deliveries.find(delivery.id);
    expect(JSON.stringify(read?.data)).toBe(JSON.stringify(expected));
    expect(JSON.stringify(read?.payload)).toBe(JSON.stringify(expected));
    expect((await opened.store.read.lists.alert(alert.id))?.aiAnalysis).toEqual(expected);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  test('a body of five megabytes', async () => {
    const event = eventFixture({ eventData: 'ä'.repeat(2_500_000) });
    await write((tx) => tx.events.insertAll([event]));
    expect(await opened.store.read.lists.event(event.id)).toEqual(event);
  });
});
