import { expect, test } from 'vitest';
import { createSinkWork } from './sink-work.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Work that ends when it is told to; what began is noted. */
function scripted() {
  const work = createSinkWork();
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const add = (sink: string, what: 'claim' | 'end', name: string) =>
    work.inTurn(sink, what, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  return {
    work,
    begun,
    add,
    end: async () => {
      ends.shift()?.();
      await settle();
    },
  };
}

test('one at a time for each Sink, ends before claims, other Sinks beside it', async () => {
  const { begun, add, end } = scripted();
  const all = [
    add('out', 'claim', 'claim 1'),
    add('out', 'claim', 'claim 2'),
    add('out', 'end', 'end 1'),
    add('out', 'claim', 'claim 3'),
    add('out', 'end', 'end 2'),
    add('other', 'claim', 'elsewhere'),
  ];
  expect(begun).toEqual(['claim 1', 'elsewhere']);
  for (let ended = 0; ended < all.length; ended += 1) await end();
  expect(begun).toEqual(['claim 1', 'elsewhere', 'end 1', 'end 2', 'claim 2', 'claim 3']);
  await Promise.all(all);
});

test('work that fails lets the next one in', async () => {
  const { work } = scripted();
  const failing = work.inTurn('out', 'claim', () => Promise.reject(new Error('no')));
  const next = work.inTurn('out', 'claim', async () => 'done');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
});

test('what is being sent is counted, also where it fails', async () => {
  const { work } = scripted();
  let end: () => void = () => undefined;
  const sending = work.send('out', () => new Promise<void>((resolve) => (end = resolve)));
  expect([work.sending('out'), work.sending('other')]).toEqual([1, 0]);
  end();
  await sending;
  await expect(work.send('out', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(work.sending('out')).toBe(0);
});
