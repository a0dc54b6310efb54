import { describe, expect, it } from 'vitest';
import { createAdmission } from './admission.ts';
import type { Place } from './admission.ts';

const admission = (changes: Partial<Parameters<typeof createAdmission>[0]> = {}) =>
  createAdmission({ maxRequests: 100, maxBytes: 1000, shared: true, ...changes });

/** Enters until there is no more room for it. */
function fill(to: ReturnType<typeof admission>, owner: string): Place[] {
  const places: Place[] = [];
  for (let place = to.enter(owner); place !== null; place = to.enter(owner)) places.push(place);
  return places;
}

/** Holds single bytes until there is no more room for them. */
function hold(place: Place | null): number {
  let held = 0;
  while (place?.hold(1) === true) held += 1;
  return held;
}

describe('requests in work', () => {
  it('of one owner are as many as it leaves to others, and so are those of who comes next', () => {
    const all = admission();
    expect(fill(all, 'a')).toHaveLength(50);
    expect(fill(all, 'b')).toHaveLength(25);
    expect(fill(all, 'c')).toHaveLength(13);
    expect(all.enter('d')).not.toBeNull();
    expect(all.enter('a')).toBeNull();
  });

  it('of many owners share the room evenly, and something is always left', () => {
    const all = admission();
    const counts = new Map<string, number>();
    for (let round = 0; round < 100; round++)
      for (const owner of ['a', 'b', 'c', 'd'])
        if (all.enter(owner) !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    expect([...counts.values()]).toEqual([20, 20, 20, 20]);
    expect(all.enter('e')).not.toBeNull();
  });

  it('give their places back', () => {
    const all = admission({ maxRequests: 4 });
    for (let round = 0; round < 3; round++) {
      const places = fill(all, 'a');
      expect(places).toHaveLength(2);
      for (const place of places) place.leave();
    }
  });

  it('are one number for all where they are not shared', () => {
    const all = admission({ shared: false });
    expect(fill(all, 'a')).toHaveLength(100);
    expect(all.enter('b')).toBeNull();
  });
});

describe('bytes of bodies', () => {
  it('are counted as they come, at most half for one owner, in how many requests ever', () => {
    const all = admission();
    const places = [all.enter('a'), all.enter('a')];
    expect(hold(places[0] ?? null)).toBe(500);
    expect(hold(places[1] ?? null)).toBe(0);
    const other = all.enter('b');
    expect(hold(other)).toBe(250);
    places[0]?.leave();
    expect(hold(places[1] ?? null)).toBe(375);
  });

  it('that find no room leave nothing behind', () => {
    const all = admission();
    const place = all.enter('a');
    expect(place?.hold(501)).toBe(false);
    expect(place?.hold(500)).toBe(true);
    place?.leave();
    expect(hold(all.enter('a'))).toBe(500);
  });

  it('may all be one owner’s where they are not shared', () => {
    expect(hold(admission({ shared: false }).enter('a'))).toBe(1000);
  });
});
