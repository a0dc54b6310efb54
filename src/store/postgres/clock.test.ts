import { expect, test } from 'vitest';
import { createServerClock } from './clock.ts';

/** A machine whose monotonic clock is moved by the test, and a server that takes its time. */
function machine() {
  const state = { monotonicMs: 1000, wallMs: 50_000, serverMs: 900_000, delayMs: 0 };
  const base = { now: () => state.wallMs, monotonic: () => state.monotonicMs, sleep: async () => undefined };
  const clock = createServerClock(base, async () => {
    pass(state.delayMs / 2);
    const answer = state.serverMs;
    pass(state.delayMs / 2);
    return answer;
  });
  function pass(milliseconds: number): void {
    state.monotonicMs += milliseconds;
    state.serverMs += milliseconds;
  }
  return { state, clock, pass };
}

test('is the server clock from the first comparison on, whatever the clock of the machine does', async () => {
  const { state, clock, pass } = machine();
  expect(clock.now()).toBe(50_000);
  state.delayMs = 20;
  await clock.synchronize();
  expect(clock.now()).toBe(state.serverMs);
  state.wallMs += 3_600_000;
  pass(5000);
  expect(clock.now()).toBe(state.serverMs);
});

test('follows the server, also one that took over with another time', async () => {
  const { state, clock } = machine();
  await clock.synchronize();
  state.serverMs -= 7000;
  await clock.synchronize();
  expect(clock.now()).toBe(state.serverMs);
});

test('is behind while the machine stood still, until the next comparison', async () => {
  const { state, clock } = machine();
  await clock.synchronize();
  const before = clock.now();
  // The monotonic clock of a machine that is suspended stands; its wall clock is set when it is back.
  state.serverMs += 3_600_000;
  state.wallMs += 3_600_000;
  expect(clock.now()).toBe(before);
  await clock.synchronize();
  expect(clock.now()).toBe(state.serverMs);
});

test('takes no slow answer for exact, unless there is no better one for long', async () => {
  const { state, clock, pass } = machine();
  await clock.synchronize();
  state.serverMs += 3000;
  state.delayMs = 2000;
  await clock.synchronize();
  expect(clock.now()).toBe(state.serverMs - 3000);
  pass(600_000);
  await clock.synchronize();
  expect(clock.now()).toBe(state.serverMs);
});
