import { expect, test } from 'vitest';
import { createTurns, finish, finishInTurns } from './turns.ts';

/** Turns of 10 ms by a clock that the test moves. */
function world() {
  let nowMs = 0;
  const turns = createTurns(10, () => nowMs);
  let turn = 0;
  const count = () => {
    turn += 1;
    if (turn < 100) setImmediate(count);
  };
  setImmediate(count);
  return { turns, turn: () => turn, pass: (milliseconds: number) => void (nowMs += milliseconds) };
}

test('work goes on in its turn until the time is used up', async () => {
  const { turns, turn, pass } = world();
  for (let piece = 0; piece < 3; piece++) {
    await turns.next();
    pass(4);
  }
  expect(turn()).toBe(0);
  expect(turns.isOver()).toBe(true);
  await turns.next();
  expect(turn()).toBeGreaterThan(0);
});

test('several that wait go on one after the other, each in a turn of its own where it needs the whole', async () => {
  const { turns, turn, pass } = world();
  const done: [name: string, turn: number][] = [];
  turns.isOver();
  pass(10);
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await turns.next();
      pass(10);
      done.push([name, turn()]);
    }),
  );
  expect(done.map(([name]) => name)).toEqual(['a', 'b', 'c']);
  expect(new Set(done.map(([, at]) => at)).size).toBe(3);
});

test('who comes to wait soon goes on, however much another has to do', async () => {
  const { turns, pass } = world();
  let pieces = 0;
  async function work() {
    for (; pieces < 100; pieces++) {
      if (turns.isOver()) await turns.next();
      pass(1);
    }
  }
  const long = work();
  expect(pieces).toBe(10);
  const before: number[] = [];
  for (let time = 0; time < 3; time++) {
    await turns.next();
    before.push(pieces);
    pass(1);
  }
  await long;
  expect(before).toEqual([12, 14, 16]);
});

test('work in pieces gives others their turn when its time is used up', async () => {
  const { turns, turn, pass } = world();
  const at: number[] = [];
  function* work() {
    for (let piece = 0; piece < 6; piece++) {
      pass(4);
      at.push(turn());
      yield;
    }
    return 'done';
  }
  expect(await finishInTurns(work(), turns)).toBe('done');
  // Three pieces have 12 ms.
  expect(at.slice(0, 3)).toEqual([0, 0, 0]);
  expect(at[3]).toBeGreaterThan(0);
  expect(finish(work())).toBe('done');
});
