import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPace, readingTimeMs } from './pace.ts';

/** A wait that ends at its signal only, and what was waited for. */
function endlessWait() {
  const waits: number[] = [];
  const wait = async (milliseconds?: number, _value?: unknown, options?: { signal?: AbortSignal }) => {
    waits.push(milliseconds ?? 0);
    await sleep(60_000, undefined, options);
  };
  return { waits, wait: wait as typeof sleep };
}

describe('the pace of a reader', () => {
  it('is four words a second, within bounds', () => {
    expect([readingTimeMs(''), readingTimeMs('word'), readingTimeMs('one two three four')]).toEqual([0, 300, 1000]);
    expect(readingTimeMs('word '.repeat(100))).toBe(6000);
  });

  it('goes on at Enter, and does not wait any more in this story', async () => {
    const { waits, wait } = endlessWait();
    const keyboard = new PassThrough();
    const pace = createPace(keyboard, new AbortController().signal, wait);
    const reading = pace.read('one two three four');
    keyboard.write('\n');
    await reading;
    await pace.read('the rest of the story');
    expect(waits).toEqual([1000]);
    const between = pace.stop(8000);
    keyboard.write('\n');
    await between;
    const next = pace.read('the next story');
    expect(waits).toEqual([1000, 8000, 750]);
    keyboard.write('\n');
    await next;
    pace.close();
    expect(keyboard.listenerCount('data')).toBe(0);
  });

  it('ends with the demo, and with the keyboard', async () => {
    const { waits, wait } = endlessWait();
    const ended = new AbortController();
    const pace = createPace(new PassThrough(), ended.signal, wait);
    const reading = pace.read('one two');
    ended.abort();
    await reading;
    const keyboard = new PassThrough();
    const other = createPace(keyboard, new AbortController().signal, wait);
    const waiting = other.read('one two');
    keyboard.end();
    await waiting;
    expect(waits).toEqual([500, 500]);
  });
});
