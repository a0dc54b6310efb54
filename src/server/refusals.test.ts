import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { fakeSource } from '../../test/support/fake-server.ts';
import { createRefusals } from './refusals.ts';
import type { Refusal } from './refusal.ts';
import { unknownPath } from './refusal.ts';

const refusal = (reason: string): Refusal => ({
  status: 401,
  reason,
  body: { code: 'Unauthenticated', message: 'why', next: 'what' },
});

function world() {
  const clock = createFakeClock();
  const lines: { readonly key: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  const counted: object[] = [];
  const metrics = { increment: (_name: string, labels: object) => void counted.push(labels) };
  const refusals = createRefusals(clock, metrics, (_level, key, fields) => void lines.push({ key, fields }));
  return { clock, lines, counted, refusals };
}

describe('what a Source refused', () => {
  it('is counted by reason for five minutes', async () => {
    const { clock, refusals } = world();
    const source = fakeSource();
    expect(refusals.of('shop', 'alertmanager')).toBeNull();
    refusals.note(source, '/x', '10.0.0.1', refusal('TooLarge'));
    await clock.advance(120_000);
    for (let n = 0; n < 3; n++) refusals.note(source, '/x', '10.0.0.1', refusal('Unauthenticated'));
    expect(refusals.of('shop', 'alertmanager')).toEqual({
      count: 4,
      reasons: [
        ['Unauthenticated', 3],
        ['TooLarge', 1],
      ],
      lastTime: '2026-01-01T00:02:00.000Z',
    });
    await clock.advance(180_000);
    expect(refusals.of('shop', 'alertmanager')).toMatchObject({ count: 3 });
    await clock.advance(120_000);
    expect(refusals.of('shop', 'alertmanager')).toBeNull();
    expect(refusals.of('shop', 'other')).toBeNull();
    expect(refusals.of('shop', 'alertmanager', 60)).toMatchObject({ count: 4 });
    await clock.advance(3_600_000);
    expect(refusals.of('shop', 'alertmanager', 60)).toBeNull();
  });

  it('is told with who sent it, why, what to do and how often', () => {
    const { lines, refusals } = world();
    for (let n = 0; n < 2; n++) refusals.note(fakeSource(), '/x', '10.0.0.1', refusal('Unauthenticated'));
    expect(lines[1]).toEqual({
      key: 'shop/alertmanager Unauthenticated',
      fields: {
        source: 'shop/alertmanager',
        reason: 'Unauthenticated',
        status: 401,
        from: '10.0.0.1',
        why: 'why',
        next: 'what',
        lastMinutes: 2,
      },
    });
  });

  it('is counted, and not told again, where the log says it in other words', () => {
    const { lines, counted, refusals } = world();
    refusals.note(fakeSource(), '/x', '10.0.0.1', { ...refusal('StoreSlow'), isLogged: true });
    refusals.note(null, '/y', '10.0.0.1', unknownPath());
    expect(counted).toEqual([
      { source: 'alertmanager', reason: 'StoreSlow' },
      { source: '', reason: 'UnknownPath' },
    ]);
    expect(lines.map(({ key }) => key)).toEqual(['/y UnknownPath']);
    expect(refusals.of('shop', 'alertmanager')).toMatchObject({ count: 1 });
  });
});

describe('paths that no Source has', () => {
  it('are told by name, but only a few in a minute, because anybody can make up more', async () => {
    const { clock, lines, refusals } = world();
    for (let n = 0; n < 500; n++) refusals.note(null, `/webhook/${n}`, '10.0.0.1', unknownPath());
    expect(new Set(lines.map(({ key }) => key)).size).toBe(21);
    expect(lines[0]?.fields).toMatchObject({ path: '/webhook/0', reason: 'UnknownPath', status: 404 });
    expect(lines.at(-1)?.fields).toMatchObject({ path: 'many' });
    refusals.note(null, '/webhook/3', '10.0.0.1', unknownPath());
    expect(lines.at(-1)?.fields).toMatchObject({ path: '/webhook/3' });
    await clock.advance(60_000);
    refusals.note(null, '/webhook/999', '10.0.0.1', unknownPath());
    expect(lines.at(-1)?.fields).toMatchObject({ path: '/webhook/999' });
  });

  it('are cut', () => {
    const { lines, refusals } = world();
    refusals.note(null, `/webhook/${'x'.repeat(10_000)}`, '10.0.0.1', unknownPath());
    expect(JSON.stringify(lines).length).toBeLessThan(1000);
  });
});
