import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { createPace, receiveBody } from './receive-body.ts';
import type { BodyBudget } from './receive-body.ts';

const room: BodyBudget = { hold: () => true };

function world({ budget = room, contentLength = undefined as string | undefined, maxBytes = 1000 } = {}) {
  const clock = createFakeClock();
  let lostMs = 0;
  const machine = { ...clock, monotonic: () => clock.monotonic() + lostMs };
  const pace = createPace({ windowMs: 5000, minBytesPerSecond: 100, checkIntervalMs: 1000, clock: machine });
  const stream = new PassThrough();
  const outcomes: unknown[] = [];
  receiveBody(stream, { contentLength, maxBytes, budget, pace }, (error, body) =>
    outcomes.push(error === null ? body?.toString() : error),
  );
  /** Writes, and has it read. */
  async function write(text: string): Promise<void> {
    stream.write(text);
    await new Promise(setImmediate);
  }
  /** Nothing of this process runs for so long. */
  const standStill = (milliseconds: number) => void (lostMs += milliseconds);
  return { clock, pace, stream, outcomes, write, standStill };
}

describe('a body', () => {
  it('is what came', async () => {
    const { stream, outcomes, write } = world();
    await write('one ');
    await write('two');
    stream.end();
    await new Promise(setImmediate);
    expect(outcomes).toEqual(['one two']);
  });

  it('that is announced as too large is not waited for', () => {
    expect(world({ contentLength: '1001' }).outcomes).toMatchObject([{ statusCode: 413 }]);
    expect(world({ contentLength: '1000' }).outcomes).toEqual([]);
    expect(world({ contentLength: '9'.repeat(400) }).outcomes).toMatchObject([{ statusCode: 413 }]);
  });

  it('that becomes too large, or that there is no room for, ends where it does', async () => {
    const large = world();
    await large.write('x'.repeat(1000));
    expect(large.outcomes).toEqual([]);
    await large.write('x');
    await large.write('x'.repeat(1000));
    expect(large.outcomes).toMatchObject([{ statusCode: 413 }]);
    let left = 5;
    const full = world({ budget: { hold: (bytes) => (left -= bytes) >= 0 } });
    await full.write('12345');
    await full.write('6');
    expect(full.outcomes).toMatchObject([{ code: 'StoreUnavailable', reason: 'Overloaded' }]);
  });

  it('of very many pieces of a byte is not kept, and one of as many that are larger is', async () => {
    const tiny = world({ maxBytes: 1_000_000 });
    for (let piece = 0; piece < 1024; piece += 1) tiny.stream.write('x');
    await new Promise(setImmediate);
    expect([tiny.outcomes, tiny.stream.destroyed]).toEqual([[], false]);
    await tiny.write('x');
    expect(tiny.outcomes).toMatchObject([{ code: 'InvalidInput' }]);
    expect(tiny.stream.destroyed).toBe(true);
    const small = world({ maxBytes: 1_000_000 });
    for (let piece = 0; piece < 1500; piece += 1) small.stream.write('x'.repeat(256));
    small.stream.end();
    await new Promise(setImmediate);
    expect(small.outcomes).toEqual(['x'.repeat(1500 * 256)]);
  });

  it('that breaks off is told once, whatever its stream says later', async () => {
    const { stream, outcomes } = world();
    stream.destroy(new Error('aborted'));
    await new Promise(setImmediate);
    stream.emit('error', new Error('again'));
    expect(outcomes).toMatchObject([{ statusCode: 400 }]);
  });
});

describe('the pace', () => {
  it('ends a body that brings nothing', async () => {
    const { clock, outcomes } = world();
    await clock.advance(4000);
    expect(outcomes).toEqual([]);
    await clock.advance(1000);
    expect(outcomes).toMatchObject([{ statusCode: 408 }]);
  });

  it('ends a body that came nearly whole and stands still', async () => {
    const { clock, outcomes, write } = world();
    await write('x'.repeat(999));
    await clock.advance(9000);
    expect(outcomes).toEqual([]);
    await clock.advance(1000);
    expect(outcomes).toMatchObject([{ statusCode: 408 }]);
  });

  it('lets a body go on that is slow, but not too slow', async () => {
    const { clock, stream, outcomes, write } = world();
    for (let second = 0; second < 9; second++) {
      await write('x'.repeat(101));
      await clock.advance(1000);
    }
    expect(outcomes).toEqual([]);
    stream.end();
    await new Promise(setImmediate);
    expect(outcomes).toHaveLength(1);
  });

  it('forgets a body that has ended', async () => {
    const { clock, stream, outcomes, write } = world();
    await write('done');
    stream.end();
    await new Promise(setImmediate);
    await clock.advance(20_000);
    expect(outcomes).toEqual(['done']);
  });

  it('judges nobody after a time in which this process stood still', async () => {
    const { clock, outcomes, standStill } = world();
    await clock.advance(500);
    standStill(60_000);
    await clock.advance(5000);
    expect(outcomes).toEqual([]);
    await clock.advance(2000);
    expect(outcomes).toMatchObject([{ statusCode: 408 }]);
  });

  it('is over with its server', async () => {
    const { clock, pace, outcomes } = world();
    pace.stop();
    await clock.advance(20_000);
    expect(outcomes).toEqual([]);
  });
});
