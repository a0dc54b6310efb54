import { expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Log } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { watchStore } from './health.ts';

type Behaviour = 'ok' | 'stuck' | 'StoreFull' | 'StoreSlow' | 'own error' | 'no right' | 'defect';

/** A store of which only the outcome of writes matters. */
function world() {
  const clock = createFakeClock();
  const lines: string[] = [];
  const write = (_fields: object, message: string) => void lines.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  let behaviour: Behaviour = 'ok';
  let lost: AppError | null = null;
  const probes: (() => void)[] = [];
  async function outcome(): Promise<void> {
    if (behaviour === 'own error') throw new AppError('Conflict', 'the caller is to blame');
    if (behaviour === 'no right') throw new AppError('StoreUnusable', 'secret detail');
    if (behaviour === 'defect') throw new TypeError('secret detail');
    if (behaviour !== 'ok' && behaviour !== 'stuck')
      throw new AppError('StoreUnavailable', 'secret detail', { reason: behaviour });
  }
  const fake = {
    lost: () => lost,
    transaction: (_name: string, work: () => Promise<unknown>) => outcome().then(work),
    async probe() {
      const end = Promise.withResolvers<void>();
      probes.push(end.resolve);
      if (behaviour === 'stuck') await end.promise;
      await outcome();
    },
  };
  const { store, health } = watchStore(fake as unknown as Store, { clock, log });
  async function problem(): Promise<string | null> {
    const answer = health.problem();
    await clock.advance(200);
    return answer;
  }
  return {
    clock,
    lines,
    probes,
    problem,
    lose: (reason: string) => void (lost = new AppError('StoreUnavailable', 'secret detail', { reason })),
    become: (next: Behaviour) => void (behaviour = next),
    write: () => store.transaction('intake', async () => 'done'),
  };
}

test('a healthy store is asked to write only where nothing was written for a while, however many ask', async () => {
  const { clock, probes, problem, write } = world();
  for (let n = 0; n < 10; n++) expect(await problem()).toBeNull();
  expect(probes).toHaveLength(1);
  await clock.advance(3000);
  await write();
  expect(await problem()).toBeNull();
  expect(probes).toHaveLength(1);
  await clock.advance(3000);
  expect(await problem()).toBeNull();
  expect(probes).toHaveLength(2);
});

test('a store that is lost is a problem at once and for good, though a write was just committed', async () => {
  const { clock, problem, write, lose } = world();
  await write();
  lose('StoreRemoved');
  expect(await problem()).toBe('the database file was removed');
  await clock.advance(60_000);
  await write();
  expect(await problem()).toBe('the database file was removed');
});

test('a refused write is a problem at once, and no longer once writes are committed for a while', async () => {
  const { clock, lines, probes, problem, become, write } = world();
  become('StoreFull');
  await expect(write()).rejects.toMatchObject({ code: 'StoreUnavailable' });
  for (let second = 0; second < 100; second++) {
    expect(await problem()).toBe('its disk is full');
    await clock.advance(800);
  }
  expect(probes.length).toBeLessThan(110);
  expect(lines.length).toBeLessThanOrEqual(2);
  become('ok');
  await clock.advance(1000);
  expect(await problem()).toBe('its disk is full');
  await clock.advance(5000);
  expect(await problem()).toBeNull();
  expect(lines.at(-1)).toBe('the store takes writes again');
});

test('a write that does not come back within a second is a problem until it does', async () => {
  const { clock, probes, problem, become } = world();
  become('stuck');
  expect(await problem()).toBeNull();
  await clock.advance(1000);
  expect(await problem()).toBe('it is slow');
  await clock.advance(60_000);
  expect(await problem()).toBe('it is slow');
  expect(probes).toHaveLength(1);
  become('ok');
  probes[0]?.();
  expect(await problem()).toBeNull();
});

test('an error of a caller says nothing about the store', async () => {
  const { problem, become, write } = world();
  expect(await problem()).toBeNull();
  become('own error');
  await expect(write()).rejects.toMatchObject({ code: 'Conflict' });
  expect(await problem()).toBeNull();
});

test.each(['no right', 'defect'] as const)(
  'a trial that fails with %s is a problem, whatever it is called',
  async (how) => {
    const { problem, become } = world();
    become(how);
    expect(await problem()).toBe('it takes no writes');
  },
);

test('a right that was taken away from a running server is a problem at once', async () => {
  const { problem, become, write } = world();
  expect(await problem()).toBeNull();
  become('no right');
  await expect(write()).rejects.toMatchObject({ code: 'StoreUnusable' });
  expect(await problem()).toBe('it takes no writes');
});
