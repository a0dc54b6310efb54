import { expect, test } from 'vitest';
import { createIntakeQueue, defaultIntakeLimits } from './queue.ts';
import type { IntakeLimits, PartPlace, QueueOptions } from './queue.ts';

let nowMs = 0;

/** A queue whose batches wait until they are let go, and answer with their place. */
function slowQueue(limits: Partial<IntakeLimits> = {}) {
  const batches: string[][] = [];
  const release: (() => void)[] = [];
  const work: QueueOptions<string, number>['work'] = async (take) => {
    batches.push(take().map(({ item }) => item));
    expect(take()).toBe(take());
    await new Promise<void>((resolve) => release.push(resolve));
    for (const { resolve } of take()) resolve(batches.length);
  };
  const queue = createIntakeQueue<string, number>({
    limits: { ...defaultIntakeLimits, ...limits },
    monotonic: () => nowMs,
    work,
  });
  const submit = (item: string, alerts = 1, length = 1, part: PartPlace | null = null) =>
    queue.submit(item, { alerts, length }, part);
  /** Until a batch that is due has begun: it gathers for a turn or two. */
  async function begun(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  /** Lets the batch under way answer, and the next one begin. */
  async function letGo(): Promise<void> {
    release.shift()?.();
    await begun();
  }
  return { submit, batches, begun, letGo };
}

const refused = { code: 'StoreUnavailable', retryable: true };

test('what comes in one turn goes together; what comes meanwhile is next, in order', async () => {
  const { submit, batches, begun, letGo } = slowQueue();
  const answers = [submit('a'), submit('b')];
  await begun();
  answers.push(submit('c'), submit('d'));
  await begun();
  expect(batches).toEqual([['a', 'b']]);
  await letGo();
  expect(batches.slice(1)).toEqual([['c', 'd']]);
  await letGo();
  expect(await Promise.all(answers)).toEqual([1, 1, 2, 2]);
  const later = submit('e');
  await begun();
  await letGo();
  expect(await later).toBe(3);
});

test('a batch is bounded by notifications, alerts and length; a larger notification goes alone', async () => {
  const { submit, batches, begun, letGo } = slowQueue({ maxAlerts: 20_000 });
  const answers = [submit('first')];
  await begun();
  for (let index = 0; index < 300; index += 1) answers.push(submit(`${index}`));
  answers.push(
    ...['half', 'other half'].map((item) => submit(item, 300)),
    submit('huge', 5000),
    submit('long', 1, 9e6),
    submit('last'),
  );
  for (let batch = 0; batch < 7; batch += 1) await letGo();
  await Promise.all(answers);
  expect(batches.map((batch) => batch.length)).toEqual([1, 256, 45, 1, 1, 1, 1]);
  expect(batches.slice(3)).toEqual([['other half'], ['huge'], ['long'], ['last']]);
});

test('a part goes alone, and between two parts go those who sent little', async () => {
  const { submit, batches, begun, letGo } = slowQueue();
  const part = (name: string, place: PartPlace) => submit(name, 1, 1, place);
  const answers = [part('one', 'first'), part('other', 'first'), submit('a'), submit('b')];
  await begun();
  await letGo();
  answers.push(part('one again', 'later'), submit('c'));
  for (let batch = 0; batch < 5; batch += 1) await letGo();
  await Promise.all(answers);
  expect(batches).toEqual([['one'], ['a', 'b'], ['other'], ['c'], ['one again']]);
});

test.each<[string, Partial<IntakeLimits>, number, number]>([
  ['notifications', { maxNotifications: 2 }, 1, 1],
  ['alerts', { maxAlerts: 25 }, 10, 1],
  ['length', { maxLength: 250 }, 1, 100],
])('beyond so many %s a caller is refused, and may come again', async (_what, limits, alerts, length) => {
  const { submit, begun, letGo } = slowQueue(limits);
  const answers = [submit('working', alerts, length)];
  await begun();
  answers.push(submit('a', alerts, length), submit('b', alerts, length));
  await expect(submit('late', alerts, length)).rejects.toMatchObject(refused);
  await letGo();
  const again = submit('again', alerts, length);
  await letGo();
  await letGo();
  expect(await Promise.all([...answers, again])).toEqual([1, 2, 2, 3]);
});

test('a caller is refused while the first has waited for too long, and so is the first', async () => {
  const { submit, batches, begun, letGo } = slowQueue({ maxWaitMs: 1000 });
  const working = submit('working');
  await begun();
  const tooLate = submit('waiting', 10, 10).catch((error: unknown) => error);
  nowMs += 1001;
  await expect(submit('new')).rejects.toMatchObject({ ...refused, reason: 'StoreSlow' });
  await letGo();
  expect(await working).toBe(1);
  expect(await tooLate).toMatchObject({ ...refused, reason: 'StoreSlow' });
  await letGo();
  const again = submit('again');
  await begun();
  await letGo();
  await again;
  expect(batches).toEqual([['working'], [], ['again']]);
});
