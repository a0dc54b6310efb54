import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

describe.each(contractStores)('duties on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());
  const claim = (name: string, at: string): Promise<boolean> =>
    opened.store.transaction('tick', (tx) => tx.duties.claim(name, at));

  test('each is claimed by exactly one of many who try it at a time', async () => {
    for (const at of ['2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z']) {
      const claims = await Promise.all(Array.from({ length: 12 }, () => claim('minute', at)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    }
  });

  test('an earlier one is not claimed any more: a process that is late does nothing', async () => {
    expect(await claim('minute', '2026-01-01T00:05:00.000Z')).toBe(true);
    expect(await claim('minute', '2026-01-01T00:04:00.000Z')).toBe(false);
    expect(await claim('hour', '2026-01-01T00:00:00.000Z')).toBe(true);
  });

  test('after the clock was put back they go on from there, each claimed once', async () => {
    expect(await claim('minute', '2026-01-01T01:00:00.000Z')).toBe(true);
    expect(await claim('minute', '2026-01-01T00:55:00.000Z')).toBe(false);
    for (const at of ['2026-01-01T00:54:00.000Z', '2026-01-01T00:55:00.000Z', '2026-01-01T00:56:00.000Z']) {
      const claims = await Promise.all(Array.from({ length: 12 }, () => claim('minute', at)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    }
  });

  test('the last one is known', async () => {
    const last = () => opened.store.transaction('tick', (tx) => tx.duties.last('minute'));
    expect(await last()).toBeNull();
    await claim('minute', '2026-01-01T00:05:00.000Z');
    await claim('minute', '2026-01-01T00:04:00.000Z');
    expect(await last()).toBe('2026-01-01T00:05:00.000Z');
  });
});
