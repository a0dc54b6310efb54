import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchEventLoop } from './event-loop.ts';

describe('the watch over the event loop', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  it('tells how much later than asked it was called', () => {
    const seen: number[] = [];
    let nowMs = 1000;
    const stop = watchEventLoop(
      (seconds) => seen.push(seconds),
      () => nowMs,
    );
    for (const tookMs of [10, 70, 9, 10]) {
      nowMs += tookMs;
      vi.advanceTimersByTime(10);
    }
    expect(seen).toEqual([0, 0.06, 0, 0]);
    stop();
    vi.advanceTimersByTime(100);
    expect(seen).toHaveLength(4);
  });

  it('sees a stretch of work that does not give way', async () => {
    vi.useRealTimers();
    const late = Promise.withResolvers<number>();
    const stop = watchEventLoop((seconds) => {
      if (seconds >= 0.05) late.resolve(seconds);
    });
    const begunMs = performance.now();
    while (performance.now() - begunMs < 80);
    expect(await late.promise).toBeGreaterThanOrEqual(0.05);
    stop();
  });
});
