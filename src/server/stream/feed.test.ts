import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import type { AlertChange, Change } from '../../core/changes.ts';
import { AppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import type { StreamClient } from './client.ts';
import { createFeed } from './feed.ts';
import type { Feed } from './feed.ts';

/** What was told to a client, in order: `id`s apart, because tests compare what they are about. */
function recorder() {
  const told: string[] = [];
  const ids: string[] = [];
  const note = (text: string, id?: string) => {
    told.push(text);
    if (id !== undefined) ids.push(id);
  };
  const client: StreamClient = {
    begin: () => note('begin'),
    change: (id, change) => note(`${change.kind} ${change.id} ${change.status}`, id),
    reset: (id, reason) => note(`reset: ${reason}`, id),
    beat: (id) => note('beat', id),
    end: () => note('end'),
  };
  return { client, told, ids, lastId: () => ids.at(-1) ?? '' };
}

let clock: FakeClock;
let rows: Change[] | null | Error;
/** What the feed asked for. */
let asked: string[];
let isOpen: boolean;
let feed: Feed;

function start(): Feed {
  return createFeed({
    changes: {
      async changesSince(since) {
        asked.push(since);
        if (rows instanceof Error) throw rows;
        return rows === null ? null : rows.filter(({ at }) => at >= since);
      },
    },
    clock,
    complain: () => undefined,
    streamPollMs: 1000,
    isOpen: () => isOpen,
    counted: () => undefined,
  });
}

function alert(id: string, changes: Partial<AlertChange> = {}): AlertChange {
  const now = toTimestamp(clock.now());
  const rest = {
    namespace: 'shop',
    source: 'am',
    severity: 'warning',
    episode: 1,
    mutedReason: null,
    runId: null,
  } as const;
  return { kind: 'alert', id, name: 'Down', status: 'received', at: now, ...rest, ...changes };
}

beforeEach(() => {
  clock = createFakeClock();
  rows = [];
  asked = [];
  isOpen = true;
  feed = start();
});
afterEach(() => feed.stop());

async function join(after: string | null = null) {
  const one = recorder();
  const joined = feed.join(one.client, after);
  joined.catch(() => undefined);
  await clock.advance(0);
  return { ...one, joined };
}

describe('the feed', () => {
  it('asks nothing while nobody listens, and each second while somebody does', async () => {
    await clock.advance(10_000);
    expect(asked).toEqual([]);
    await join();
    await clock.advance(3000);
    expect(asked).toHaveLength(4);
    expect(asked[0]).toBe('2025-12-31T23:59:55.000Z');
  });

  it('tells what is new, once, and not what was there before', async () => {
    rows = [alert('old')];
    const { told } = await join();
    rows = [...rows, alert('new')];
    await clock.advance(3000);
    rows = [alert('new', { status: 'escalated' })];
    await clock.advance(3000);
    expect(told).toEqual(['begin', 'beat', 'alert new received', 'alert new escalated']);
  });

  it('tells what became visible late', async () => {
    const { told } = await join();
    const late = alert('late');
    await clock.advance(12_000);
    rows = [late];
    await clock.advance(1000);
    expect(told).toContain('alert late received');
  });

  it('beats each 15 seconds, with the position', async () => {
    const { told, lastId } = await join();
    const first = lastId();
    await clock.advance(31_000);
    expect(told).toEqual(['begin', 'beat', 'beat', 'beat']);
    expect(lastId()).not.toBe(first);
  });

  it('ends at once when the server stops, or is told to', async () => {
    const one = await join();
    isOpen = false;
    await clock.advance(1000);
    expect(one.told.at(-1)).toBe('end');
    isOpen = true;
    const other = await join();
    feed.stop();
    expect(other.told.at(-1)).toBe('end');
    await expect((await join()).joined).rejects.toThrow('the server is stopping');
  });

  it('refuses who comes while the store cannot be read, and goes on for the others', async () => {
    const one = await join();
    rows = new AppError('StoreUnavailable', 'away');
    const other = await join();
    await expect(other.joined).rejects.toThrow('away');
    rows = [alert('a')];
    await clock.advance(1000);
    expect(one.told).toEqual(['begin', 'beat', 'alert a received']);
    expect(other.told).toEqual([]);
  });

  it('with too much at once tells to read again, once', async () => {
    const { told } = await join();
    rows = null;
    await clock.advance(5000);
    rows = [alert('one of them')];
    await clock.advance(1000);
    rows = [...rows, alert('next')];
    await clock.advance(1000);
    expect(told).toEqual(['begin', 'beat', 'reset: too much has changed at once', 'alert next received']);
  });
});

describe('changes between two looks that lie far apart', () => {
  it.each([
    [
      'the store could not be read',
      async () => {
        rows = new AppError('StoreUnavailable', 'away');
        await clock.advance(30_000);
      },
    ],
    ['the process stood still', async () => clock.shiftWallClock(30_000)],
  ])('%s: all are told to read again, once', async (_, wait) => {
    const { told, lastId } = await join();
    const before = lastId();
    const lost = alert('lost', { at: toTimestamp(clock.now() + 5000) });
    await wait();
    rows = [lost, alert('later')];
    await clock.advance(3000);
    const all = told.filter((text) => text !== 'beat');
    expect(all).toEqual(['begin', 'reset: changes were not looked at for a while']);
    // Its position is of before.
    expect((await join(before)).told).toContain('alert lost received');
    rows = [...rows, alert('next')];
    await clock.advance(1000);
    expect(told.at(-1)).toBe('alert next received');
  });

  it('a few looks that fail lose nothing, and are no reason to read again', async () => {
    const { told } = await join();
    rows = new AppError('StoreUnavailable', 'away');
    await clock.advance(5000);
    rows = [alert('a')];
    await clock.advance(1000);
    expect(told).toEqual(['begin', 'beat', 'alert a received']);
  });

  it('nobody listened meanwhile: nobody is told to read again', async () => {
    const one = await join();
    feed.leave(one.client);
    await clock.advance(120_000);
    const { told } = await join();
    await clock.advance(2000);
    expect(told).toEqual(['begin', 'beat']);
  });
});

describe('who comes back', () => {
  it('to the same process is told what it missed, and nothing twice', async () => {
    const one = await join();
    rows = [alert('first')];
    await clock.advance(1000);
    feed.leave(one.client);
    rows = [...rows, alert('second')];
    await clock.advance(2000);
    rows = [...rows, alert('third')];
    const again = await join(one.lastId());
    expect(again.told).toEqual(['begin', 'beat', 'alert second received', 'alert third received']);
    await clock.advance(5000);
    expect(again.told).toHaveLength(4);
  });

  it('to another process, or after a restart, is told what changed since a while before', async () => {
    const one = await join();
    await clock.advance(20_000);
    rows = [alert('seen')];
    await clock.advance(1000);
    const position = one.lastId();
    feed.stop();
    await clock.advance(60_000);
    rows = [...rows, alert('missed')];
    feed = start();
    const again = await join(position);
    expect(again.told).toEqual(['begin', 'alert seen received', 'alert missed received', 'beat']);
    expect(again.ids).toEqual([position, position, expect.not.stringMatching(position)]);
  });

  it('after nobody has listened for a while is told from the store', async () => {
    const one = await join();
    const position = one.lastId();
    feed.leave(one.client);
    await clock.advance(120_000);
    const looks = asked.length;
    await clock.advance(120_000);
    expect(asked).toHaveLength(looks);
    rows = [alert('missed')];
    expect((await join(position)).told).toEqual(['begin', 'alert missed received', 'beat']);
  });

  it.each([
    ['nonsense', 'the position is not one of this stream'],
    ['9999999999999-00000000-1', 'the position is not one of this stream'],
    [`${Date.parse('2025-12-31T22:00:00Z')}-00000000-1`, 'the position is too old'],
  ])('from %s reads again', async (position, reason) => {
    const { told } = await join(position);
    expect(told).toEqual(['begin', `reset: ${reason}`]);
    rows = [alert('new')];
    await clock.advance(1000);
    expect(told.at(-1)).toBe('alert new received');
  });

  it('where too much has changed since reads again', async () => {
    rows = null;
    const { told } = await join(`${Date.parse('2025-12-31T23:59:00Z')}-00000000-1`);
    expect(told).toEqual(['begin', 'reset: too much has changed since']);
  });
});
